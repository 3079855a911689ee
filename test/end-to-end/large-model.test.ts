/** A model of 400 MB at an address, from its commit to a prediction on prod. */
import { createWriteStream } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { createLargeModel } from "#test/support/large-model.ts";
import { measureTreeMemory } from "#test/support/process-tree.ts";
import { watchRehearsal } from "#test/support/rehearsal-process.ts";
import { EventLine } from "./event-line.ts";
import { createFixture, type Fixture, repositoryRoot } from "./fixture.ts";
import { runSlipway } from "./run-slipway.ts";

const model = createLargeModel();
/** As a step's function on AWS. The gateway, the engine and the desk are in the same process: with the artefact it has 650 MB. */
const stepLimitMb = 512;
const artifactBytes = 400 * 1_024 * 1_024;

const Line = z.union([
  EventLine,
  z.strictObject({ event: z.literal("memory"), state: z.string(), peakMb: z.number() }),
  z.strictObject({ event: z.literal("delivered") }),
]);

let fixture: Fixture;
let rehearsal: ReturnType<typeof watchRehearsal<z.infer<typeof Line>>> | undefined;
beforeAll(async () => {
  fixture = await createFixture();
});
afterAll(async () => {
  await rehearsal?.stop();
  await fixture.remove();
});

test("a model of 400 MB is delivered by steps of 512 MB, and prod predicts with all of it", async () => {
  const checkout = join(fixture.folder, "checkout");
  const folder = join(checkout, "models", model.name);
  await mkdir(folder, { recursive: true });
  await cp(join(repositoryRoot, "policy.yaml"), join(checkout, "policy.yaml"));
  const artefacts = join(fixture.repository, "artefacts");
  await mkdir(artefacts, { recursive: true });
  await writeFile(join(fixture.repository, ".gitignore"), "artefacts/\n");
  await pipeline(Readable.from(model.artifact.open()), createWriteStream(join(artefacts, "demand.onnx")));
  const artifact = `{ uri: "file:artefacts/demand.onnx", sha256: ${model.hashArtifact()} }`;
  for (const [name, content] of Object.entries(model.buildFiles(artifact)))
    await writeFile(join(folder, name), content);

  const program = join(import.meta.dirname, "deliver-model-process.ts");
  rehearsal = watchRehearsal(process.execPath, [program, checkout, fixture.data, model.name], {
    cwd: repositoryRoot,
    env: fixture.env,
    parseEvent: (value) => Line.parse(value),
  });
  const outcome = await rehearsal.waitFor("outcome");
  expect(outcome, JSON.stringify(outcome)).toMatchObject({ outcome: "promoted" });
  await rehearsal.waitFor("delivered");

  const { url } = await rehearsal.waitFor("serving", ({ environment }) => environment === "prod");
  expect(await model.measureLargestDifference(url)).toBeLessThan(model.tolerance);

  const peaks = rehearsal.events.flatMap((event) => (event.event === "memory" ? [event] : []));
  console.info(
    `peak memory: ${peaks.map(({ state, peakMb }) => `${state} ${Math.ceil(peakMb)} MB`).join(", ")}`,
  );
  expect(peaks.map(({ state }) => state)).toEqual(
    expect.arrayContaining(["BuildImage", "RegisterModel", "DeployStage", "VerifyStage", "DeployProd"]),
  );
  expect(peaks.filter(({ peakMb }) => peakMb > stepLimitMb)).toEqual([]);
  // The process that predicts does hold the table: the small steps are not small because nobody read it.
  const memory = measureTreeMemory(rehearsal.pid);
  if (memory) expect(memory.largestWorkerBytes).toBeGreaterThan(artifactBytes);

  // A person checks the folder before the commit: this one is in the watched repository.
  const check = await runSlipway(fixture, ["check", join(fixture.repository, "models", model.name)]);
  expect(check).toMatchObject({ code: 0, stdout: expect.stringContaining("is ready for delivery") });
});
