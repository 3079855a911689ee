import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, beforeEach, expect, test } from "vitest";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { startDelivery } from "#lambdas/start-delivery/start-delivery.ts";
import {
  approveByName,
  type DeliveryWorld,
  openDeliveryWorld,
} from "#test/contracts/public-forms/delivery-world.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";

const artifact = "model.onnx";
const artifactBytes = 400 * 1024 * 1024;

type Read = { readonly step: string; readonly file: string; readonly bytes: number };

let world: DeliveryWorld;
let reads: Read[];
const currentStep = new AsyncLocalStorage<string>();

/** Records what each step reads from the source. The artefact is a few bytes that count as 400 MB, to save memory. */
const countReads = () => {
  const { source } = world;
  const { modelFiles, copyModelFiles, file } = source;
  const record = (name: string, size = 0) => {
    const bytes = name === artifact ? artifactBytes : size;
    reads.push({ step: currentStep.getStore() ?? "outside the steps", file: name, bytes });
  };
  source.modelFiles = async (...args) => {
    const files = await modelFiles(...args);
    for (const [name, { byteLength }] of files) record(name, byteLength);
    return files;
  };
  source.copyModelFiles = async (...args) => {
    const files = await copyModelFiles(...args);
    for (const [name, { size }] of files) record(name, size);
    return files;
  };
  source.file = async (path, commit) => {
    const content = await file(path, commit);
    record(path.replace(`models/${toyModel}/`, ""), content?.byteLength);
    return content;
  };
};

beforeEach(() => {
  world = openDeliveryWorld({ runStep: (step, run) => currentStep.run(step, run) });
  reads = [];
  countReads();
});
afterEach(() => world.close());

let before: string | null = null;
const deliver = async (letter: string): Promise<string | undefined> => {
  world.time.now += 60_000;
  const after = world.commit(letter);
  world.changed.set(`${before ?? ""}..${after}`, [`models/${toyModel}/${artifact}`]);
  const push = {
    repository: "rehearsal",
    before,
    after,
    pusher: "sam@example.com",
    runtime: fakeDigest("f"),
  };
  before = after;
  const { deliveries } = await startDelivery({ ...world, clock: world.clock })(push);
  const delivery = deliveries[0]?.name ?? "";
  await approveByName(world, await world.question(delivery), toyModel);
  await world.ended(delivery);
  return (await world.outcomes.read(delivery))?.outcome;
};

const listSteps = (...files: readonly string[]): readonly string[] =>
  [...new Set(reads.filter(({ file }) => files.includes(file)).map(({ step }) => step))].sort();
const sumBytes = (list: readonly Read[]): number => list.reduce((sum, { bytes }) => sum + bytes, 0);

test("only the build reads an artefact of 400 MB, once, and every other step reads some KB", async () => {
  before = null;
  expect(await deliver("a")).toBe("promoted");
  reads = [];
  // With a champion and a canary of two steps.
  expect(await deliver("b")).toBe("promoted");
  const [artifactReads, otherReads] = [
    reads.filter(({ file }) => file === artifact),
    reads.filter(({ file }) => file !== artifact),
  ];
  expect(artifactReads).toEqual([{ step: "build-image", file: artifact, bytes: artifactBytes }]);
  // Eleven steps that load the rules: each two manifests and a policy of about 1 KB.
  expect(sumBytes(otherReads)).toBeLessThan(64 * 1_024);
  expect(listSteps("model.yaml")).toEqual([
    "build-image",
    "claim-environment",
    "deploy-model",
    "judge-canary",
    "register-model",
    "request-approval",
    "scan-image",
    "shift-traffic",
    "verify-model",
  ]);
});

test("golden vectors and holdout are read only by steps that use them or need the full folder", async () => {
  before = null;
  await deliver("a");
  reads = [];
  await deliver("b");
  expect(listSteps("holdout.csv")).toEqual(["build-image", "verify-model"]);
  expect(listSteps("golden.json")).toEqual(["build-image", "deploy-model", "register-model", "verify-model"]);
});

test("a failed canary and a person's rollback restore prod without reading the artefact", async () => {
  before = null;
  await deliver("a");
  await deliver("b");
  world.bakes.set(fakeCommit("c").slice(0, 1), "fails");
  reads = [];
  expect(await deliver("c")).toBe("failed");
  expect(listSteps(artifact)).toEqual(["build-image"]);
  expect(listSteps("golden.json")).toContain("roll-back");
  reads = [];
  await rollBackProd(world)({ model: toyModel, id: `rollback-${toyModel}-1234abcd`, by: "ada: slow" });
  expect(listSteps(artifact)).toEqual([]);
  expect(listSteps("golden.json")).toEqual(["outside the steps"]);
});
