import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createProvenanceStore, toProvenanceKey } from "#domain/provenance/provenance-store.ts";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { deployModel } from "#lambdas/deploy-model/deploy-model.ts";
import { registerModel } from "#lambdas/register-model/register-model.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { createOciImages } from "#platform/images/oci.ts";
import { unpackImage } from "#platform/images/unpack-image.ts";
import { copyModelFilesOf } from "#test/support/copy-model-files.ts";
import { createBuildFacts, createBuildVariables } from "#test/support/fake-build.ts";
import { memorySigner } from "#test/support/memory-signer.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { recordApproval } from "#test/support/record-approval.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { buildModelFiles, fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const createFacts = (letter: string, changes: Partial<ReturnType<typeof createBuildFacts>> = {}) => ({
  ...createBuildFacts(letter, buildModelFiles(fakeCommit(letter))),
  ...changes,
});
const strictWorld = () => ({ ...world, provenance: world.strict });
const register = async (letter: string, commit = letter) => {
  const input = {
    delivery: "delivery-1",
    model: toyModel,
    commit: world.commit(commit),
    fence: 1,
    build: createBuildVariables(letter),
    runtime: fakeDigest("f"),
  };
  await world.keepArtifact(input.commit);
  return registerModel(strictWorld())(input);
};
const deploy = async (letter: string, environment: "stage" | "prod") => {
  const now = world.time.now;
  const claim = { environment, model: toyModel, delivery: "delivery-1", requestedAt: now, now };
  const grant = await world.claims.take(claim, "force");
  if (grant.status !== "granted") throw new Error("a forced claim is granted");
  const { fence } = grant;
  const subject = { delivery: "delivery-1", model: toyModel, commit: world.commit(letter) };
  const input = { ...subject, fence, digest: fakeDigest(letter), version: 3 };
  if (environment === "stage") return deployModel(strictWorld())({ ...input, environment });
  const approval = await recordApproval(world, { delivery: subject.delivery, letter, version: 3 });
  return deployModel(strictWorld())({ ...input, environment, approval });
};

test("an image that the builder signed for its commit is registered and deployed, and the ledger names the builder", async () => {
  await world.strict.record(createFacts("b"));
  expect(await register("b")).toMatchObject({
    status: "registered",
    provenance: { builder: fakeDigest("e"), commit: fakeCommit("b"), buildId: "build:1" },
  });
  await deploy("b", "prod");
  expect(await world.ledger.ofDelivery("prod", toyModel, "delivery-1")).toMatchObject({
    builder: fakeDigest("e"),
  });
});

test("an image that replaces the built one is not registered: the builder did not sign it", async () => {
  await world.strict.record(createFacts("b"));
  await expect(register("d", "b")).rejects.toMatchObject({ name: "ProvenanceMissing" });
  expect(await world.registry.versions(toyModel, { limit: 9 })).toEqual([]);
});

test.each([
  ["of another commit", { commit: fakeCommit("b"), digest: fakeDigest("d") }],
  ["of another model", { model: "other" }],
  ["of another runtime", { runtime: fakeDigest("9") }],
  ["by another builder", { builder: fakeDigest("9") }],
  ["of another ONNX file", { files: { ...createFacts("b").files, "model.onnx": "9".repeat(64) } }],
  [
    "of a file that is not in the commit",
    { files: { ...createFacts("b").files, "extra.bin": "9".repeat(64) } },
  ],
  ["without a file of the commit", { files: { "model.yaml": createFacts("b").files["model.yaml"] ?? "" } }],
])("a signed statement %s allows no image under this digest", async (_, changes) => {
  const statement = createFacts("b", changes);
  await world.strict.record(statement);
  const envelope = await world.blobs.get(toProvenanceKey(statement.digest, statement.commit));
  // An attacker who can write to the store moves a validly signed statement to the expected key.
  const key = toProvenanceKey(fakeDigest("b"), fakeCommit("b"));
  await world.blobs.put(key, envelope ?? new Uint8Array(), { contentType: "application/json" });
  await expect(register("b")).rejects.toMatchObject({ name: "ProvenanceDiffers" });
});

test("a statement signed by another key, changed, or without a signature is refused", async () => {
  const key = toProvenanceKey(fakeDigest("b"), fakeCommit("b"));
  await createProvenanceStore({ blobs: world.blobs, signer: memorySigner() }).record(createFacts("b"));
  await expect(register("b")).rejects.toMatchObject({ name: "ProvenanceRefused" });

  await world.strict.record(createFacts("b", { runtime: fakeDigest("9") }));
  const valid = JSON.parse(Buffer.from((await world.blobs.get(key)) ?? []).toString());
  const payload = Buffer.from(valid.payload, "base64").toString().replaceAll("9".repeat(64), "f".repeat(64));
  const forged = [
    { ...valid, payload: Buffer.from(payload).toString("base64") },
    { ...valid, signatures: [] },
    { ...valid, payloadType: "application/json" },
    { ...valid, signatures: [{ ...valid.signatures[0], sig: "" }] },
    "[".repeat(100_000),
    null,
  ];
  for (const envelope of forged) {
    const bytes = Buffer.from(typeof envelope === "string" ? envelope : JSON.stringify(envelope));
    await world.blobs.put(key, bytes, { contentType: "application/json" });
    await expect(register("b")).rejects.toMatchObject({ name: "ProvenanceRefused" });
  }
});

test("an image whose provenance was removed or changed after the approval does not reach prod", async () => {
  await world.strict.record(createFacts("b"));
  await deploy("b", "stage");
  const key = toProvenanceKey(fakeDigest("b"), fakeCommit("b"));
  await world.blobs.put(key, Buffer.from("{}"), { contentType: "application/json" });
  await expect(deploy("b", "prod")).rejects.toMatchObject({ name: "ProvenanceRefused" });
  expect(await world.ledger.ofDelivery("prod", toyModel, "delivery-1")).toBeUndefined();
});

const promoteSigned = async (letter: string, version: number, builder: string | null) => {
  const entry = await promoteVersion(world, letter, version);
  return world.ledger.change(entry, (current) => ({ ...current, builder }));
};
const rollBackModel = () =>
  rollBackProd(strictWorld())({ model: toyModel, id: "rollback-1", by: "Sam: slow" });

test("a rollback to an image without valid provenance stops before it takes prod's claim", async () => {
  await promoteSigned("a", 1, fakeDigest("e"));
  await promoteSigned("b", 2, fakeDigest("e"));
  const before = await world.claims.read("prod", toyModel);
  await expect(rollBackModel()).rejects.toMatchObject({ name: "ProvenanceMissing" });
  expect(await world.claims.read("prod", toyModel)).toEqual(before);
  expect((await world.ledger.serving("prod", toyModel))?.version).toBe(2);
  await world.strict.record(createFacts("a"));
  expect(await rollBackModel()).toMatchObject({ provenance: "verified", to: { version: 1 } });
});

test("an image from before provenance was recorded can only be rolled back to, and the ledger says so", async () => {
  await promoteSigned("a", 1, null);
  await promoteSigned("b", 2, fakeDigest("e"));
  const { provenance: proof, to } = await rollBackModel();
  expect(proof).toBe("absent");
  expect(to.reason).toMatch(/from before provenance was kept/);
  await expect(deploy("a", "prod")).rejects.toMatchObject({ name: "ProvenanceMissing" });
});

describe("a version on prod from before provenance was recorded, after its function was deleted,", () => {
  const deleteFunctions = async () => {
    await promoteSigned("a", 1, null);
    for (const environment of ["stage", "prod"] as const) await world.serving[environment].retire(toyModel);
    await world.strict.record(createFacts("b"));
  };

  test.each(["stage", "prod"] as const)(
    "is not published again by any delivery, on %s",
    async (environment) => {
      await deleteFunctions();
      await expect(deploy("b", environment)).rejects.toMatchObject({
        name: "ProvenanceMissing",
        message: expect.stringContaining(fakeDigest("a").slice(0, 12)),
      });
      expect(await world.serving[environment].live(toyModel)).toBeUndefined();
    },
  );

  test("is restored when that delivery is rolled back, and the log says that nothing proves its origin", async () => {
    await deleteFunctions();
    await expect(deploy("b", "prod")).rejects.toMatchObject({ name: "ProvenanceMissing" });
    const subject = { delivery: "delivery-1", model: toyModel, commit: fakeCommit("b") };
    const { restored } = await rollBack(strictWorld())({ ...subject, error: null });
    expect(restored[0]).toMatchObject({ environment: "prod", result: "restored" });
    expect((await world.serving.prod.live(toyModel))?.version).toBe(restored[0]?.serves);
    expect(world.warnings.join()).toMatch(/from before provenance was kept.*published anew/);
    // After the restore it exists, and the next delivery uses it.
    expect((await deploy("b", "prod")).championVersion).toBe(restored[0]?.serves);
  });
});

test("a champion with provenance is verified when it is published again, also in a rollback", async () => {
  await promoteSigned("a", 1, fakeDigest("e"));
  await world.serving.prod.retire(toyModel);
  await world.strict.record(createFacts("b"));
  await expect(deploy("b", "prod")).rejects.toMatchObject({ name: "ProvenanceMissing" });
  const subject = { delivery: "delivery-1", model: toyModel, commit: fakeCommit("b") };
  await expect(rollBack(strictWorld())({ ...subject, error: null })).rejects.toMatchObject({
    name: "ProvenanceMissing",
  });
});

const createImages = (folder: string) =>
  createOciImages({
    folder,
    source: {
      copyModelFiles: copyModelFilesOf(
        () =>
          new Map([
            ["model.yaml", Buffer.from("name: toy\n")],
            ["model.onnx", Buffer.from("weights")],
          ]),
      ),
    },
    platform: "linux/arm64",
    bundle: async () => ({ files: new Map([["index.mjs", Buffer.from("export {};")]]), packages: [] }),
    check: async () => ({ name: "toy" }),
    compile: async () => undefined,
    advisories: async () => undefined,
    clock: Date.now,
  });

test("a build uses the commit's content, whatever is stored under the name of a layer, manifest or configuration", async () => {
  const folder = await createTemporaryFolder();
  try {
    const images = createImages(folder.path);
    const runtime = await images.runtimeHash();
    const request = { model: toyModel, commit: fakeCommit("a"), runtime };
    const { digest, contents } = await images.build(request);
    const blob = (name: string) => join(folder.path, "blobs", "sha256", name.slice("sha256:".length));
    const { config } = JSON.parse(await readFile(blob(digest), "utf8"));
    for (const name of [digest, config.digest, ...(contents?.layers ?? [])]) {
      const path = blob(name);
      const right = await readFile(path);
      const poisoned = Buffer.from(right);
      poisoned[poisoned.length >> 1] = (poisoned[poisoned.length >> 1] ?? 0) ^ 1;
      await writeFile(path, poisoned);
      expect((await createImages(folder.path).build(request)).digest).toBe(digest);
      expect((await readFile(path)).equals(right)).toBe(true);
    }
    await unpackImage({ folder: folder.path, into: join(folder.path, "unpacked") })(digest);
  } finally {
    await folder.remove();
  }
});

test("a build detects a cached runtime that names another layer, and packs its own", async () => {
  const folder = await createTemporaryFolder();
  try {
    const images = createImages(folder.path);
    const runtime = await images.runtimeHash();
    const { digest } = await images.build({ model: toyModel, commit: fakeCommit("a"), runtime });
    const [name = ""] = await readdir(join(folder.path, "runtimes"));
    const cachePath = join(folder.path, "runtimes", name);
    const forged = { ...JSON.parse(await readFile(cachePath, "utf8")), digest };
    const { size } = await stat(join(folder.path, "blobs", "sha256", digest.slice("sha256:".length)));
    await writeFile(cachePath, JSON.stringify({ ...forged, size }));
    const again = createImages(folder.path);
    // It announces the stored digest …
    expect(await again.runtimeHash()).toBe(digest);
    // … but builds with its own runtime, so it builds nothing under that digest.
    const request = { model: toyModel, commit: fakeCommit("a"), runtime: digest };
    await expect(again.build(request)).rejects.toMatchObject({ name: "ImageBuildFailed" });
    expect((await createImages(folder.path).build({ ...request, runtime })).digest).toBeDefined();
    expect(await createImages(folder.path).runtimeHash()).toBe(runtime);
  } finally {
    await folder.remove();
  }
});
