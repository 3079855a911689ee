import { afterEach, beforeEach, expect, test } from "vitest";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";
import { readContent } from "#platform/files/file-content.ts";
import type { Registry } from "#platform/registry/registry.ts";
import { createBuildFacts, createBuildVariables, fakeBuilderDigest } from "#test/support/fake-build.ts";
import { hashSha256 } from "#test/support/hash-sha256.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { toFileStream } from "#test/support/to-file-stream.ts";
import {
  buildModelFiles,
  buildModelYaml,
  fakeCommit,
  fakeDigest,
  policyYaml,
  toyModel,
} from "#test/support/toy-model.ts";
import { registerModel } from "./register-model.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld({ platform: `${policyYaml}artifacts: { buckets: [models] }\n` });
});
afterEach(() => world.close());

const register = (letter: string, delivery = `delivery-${letter}`) =>
  registerModel(world)({
    delivery,
    model: toyModel,
    commit: world.commit(letter),
    fence: 1,
    build: createBuildVariables(letter),
    runtime: fakeDigest("f"),
  });
const challenger = async () => (await world.registry.byAlias(toyModel, "challenger"))?.version;

test("a version records what it was made of, and becomes the challenger", async () => {
  expect(await register("b")).toEqual({
    status: "registered",
    version: 1,
    digest: fakeDigest("b"),
    provenance: expect.objectContaining({ builder: fakeBuilderDigest, commit: fakeCommit("b") }),
  });
  expect(await challenger()).toBe(1);
  expect((await world.registry.version(toyModel, 1))?.tags).toMatchObject({
    delivery: "delivery-b",
    commit: fakeCommit("b"),
    digest: fakeDigest("b"),
    runtime: fakeDigest("f"),
    builder: fakeBuilderDigest,
    owner: "owner@example.com",
    artifact_sha256: hashSha256(`onnx of ${fakeCommit("b")}`),
  });
});

test("two runs register one version", async () => {
  expect(await register("b")).toEqual(await register("b"));
  expect(await world.registry.versions(toyModel, { limit: 9 })).toHaveLength(1);
});

test("an image that prod already serves is unchanged, and nothing is registered", async () => {
  await promoteVersion(world, "a", 4);
  expect(await register("a", "again")).toMatchObject({
    status: "unchanged",
    version: 4,
    digest: fakeDigest("a"),
  });
  expect(await world.registry.versions(toyModel, { limit: 9 })).toEqual([]);
});

test("a superseded delivery does not become the challenger", async () => {
  for (const delivery of ["delivery-b", "later"])
    await world.claims.take(
      { environment: "stage", model: toyModel, delivery, requestedAt: 1, now: 1 },
      "force",
    );
  await expect(register("b")).rejects.toMatchObject({ name: "Superseded" });
  expect(await challenger()).toBeUndefined();
});

test("a folder without its ONNX file is unreadable", async () => {
  const commit = world.commit("b");
  world.commits.get(commit)?.delete("model.onnx");
  const input = {
    delivery: "d",
    model: toyModel,
    commit,
    fence: 1,
    build: createBuildVariables("b"),
    runtime: fakeDigest("f"),
  };
  await expect(registerModel(world)(input)).rejects.toMatchObject({ name: "ModelUnreadable" });
});

test("a text model's tokenizer is registered with it; without the file the folder is unreadable", async () => {
  const commit = world.commit("b");
  const tokenizer = "{ file: words.json, maxTokens: 64 }";
  const files = buildModelFiles(
    commit,
    buildModelYaml({ inputs: "[{ name: text, type: string }]", tokenizer }),
  );
  const golden = JSON.parse(String(Buffer.from(files.get("golden.json") ?? [])));
  files.set("golden.json", Buffer.from(JSON.stringify({ ...golden, rows: [{ text: "a" }, { text: "b" }] })));
  world.commits.set(commit, files);
  const input = {
    delivery: "d",
    model: toyModel,
    commit,
    fence: 1,
    build: createBuildVariables("b"),
    runtime: fakeDigest("f"),
  };
  await expect(registerModel(world)(input)).rejects.toMatchObject({ name: "ModelUnreadable" });

  files.set("words.json", Buffer.from("words"));
  const tokenizers: string[] = [];
  const registry: Registry = {
    ...world.registry,
    register: async (registration) => {
      const file = registration.tokenizer ?? new Uint8Array();
      tokenizers.push(Buffer.from(await readContent(file)).toString());
      return world.registry.register(registration);
    },
  };
  await registerModel({ ...world, registry })(input);
  expect(tokenizers).toEqual(["words"]);
});

const sha256 = hashSha256("onnx of another host");
const registerFolder = async (
  artifact: string,
  committed: string | undefined,
  built: { readonly artifact?: string } = { artifact: sha256 },
) => {
  const commit = fakeCommit("c");
  const files = buildModelFiles(commit, buildModelYaml({ artifact }));
  if (committed === undefined) files.delete("model.onnx");
  else files.set("model.onnx", Buffer.from(committed));
  world.commits.set(commit, files);
  const facts = createBuildFacts("c", files);
  await world.strict.record({ ...facts, ...built });
  const read: string[] = [];
  const source = {
    ...world.source,
    modelFiles: (model: string, at: string, names: readonly string[]) => {
      read.push(...names);
      return world.source.modelFiles(model, at, names);
    },
    copyModelFiles: () => Promise.reject(new Error("a registration copies no folder")),
  };
  const registered = await registerModel({ ...world, source, provenance: world.strict })({
    delivery: "d",
    model: toyModel,
    commit,
    fence: 1,
    build: createBuildVariables("c"),
    runtime: fakeDigest("f"),
  });
  return { registered, read };
};
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize 20\n`;
const address = `{ uri: "s3://models/toy.onnx", sha256: ${sha256} }`;

test.each([
  ["a Git LFS pointer", "model.onnx", pointer],
  ["an address", address, undefined],
])("the artefact of %s is registered from where the build kept it", async (_, artifact, committed) => {
  await world.artifacts.keep(toFileStream(Buffer.from("onnx of another host")));
  const { registered } = await registerFolder(artifact, committed);
  expect(registered).toMatchObject({ status: "registered", version: 1 });
  const stored = await world.registry.artifact(toyModel, 1);
  expect(Buffer.concat((await stored?.toArray()) ?? []).toString()).toBe("onnx of another host");
  expect((await world.registry.version(toyModel, 1))?.tags.artifact_sha256).toBe(sha256);
});

test("a committed artefact is not read from the repository again", async () => {
  await world.artifacts.keep(toFileStream(Buffer.from("onnx")));
  const { read } = await registerFolder("model.onnx", "onnx", {});
  expect(read).not.toContain("model.onnx");
});

test.each([
  ["a pointer to another file", "model.onnx", pointer.replace(sha256, "0".repeat(64))],
  ["a committed file that the build did not pack", "model.onnx", "onnx"],
  ["an address with another hash", address.replace(sha256, "a".repeat(64)), undefined],
])("a build of %s is not registered", async (_, artifact, committed) => {
  await world.artifacts.keep(toFileStream(Buffer.from("onnx of another host")));
  await expect(registerFolder(artifact, committed)).rejects.toMatchObject({ name: "ProvenanceDiffers" });
  expect(await world.registry.versions(toyModel, { limit: 9 })).toEqual([]);
});

test.each([
  ["a bucket that the platform's copy no longer allows", address, undefined, "", "ArtifactRefused"],
  [
    "an address above the copy's limit",
    address,
    undefined,
    "buckets: [models], maxBytes: 5",
    "ArtifactTooLarge",
  ],
  ["a pointer above the copy's limit", "model.onnx", pointer, "maxBytes: 5", "ArtifactTooLarge"],
])("an artefact of %s is built, but not registered", async (_, artifact, committed, allowed, name) => {
  world.close();
  world = createMemoryWorld({ platform: `${policyYaml}artifacts: { ${allowed} }\n` });
  await world.artifacts.keep(toFileStream(Buffer.from("onnx of another host")));
  await expect(registerFolder(artifact, committed)).rejects.toMatchObject({ name });
  expect(await world.registry.versions(toyModel, { limit: 9 })).toEqual([]);
});

test("an artefact that was deleted after its build is missing, and the error says to deliver again", async () => {
  await expect(registerFolder(address, undefined)).rejects.toMatchObject({
    name: "ArtifactMissing",
    message: expect.stringContaining("deliver again"),
  });
});

test("aliases follow the ledger: champion, previous champion and no challenger; a second run changes nothing", async () => {
  const first = await register("a");
  await promoteVersion(world, "a", first.version);
  const second = await register("b");
  const served = await promoteVersion(world, "b", second.version);
  await world.ledger.change(served, (current) => ({ ...current, championMoved: false }));
  const subject = { delivery: "delivery-b", model: toyModel, commit: fakeCommit("b") };
  expect(await moveChampion(world)(subject)).toEqual({ champion: 2, previous: 1 });
  expect(await moveChampion(world)(subject)).toEqual({ champion: 2, previous: 1 });
  expect((await world.registry.byAlias(toyModel, "champion"))?.version).toBe(2);
  expect((await world.registry.byAlias(toyModel, "previous_champion"))?.version).toBe(1);
  expect(await challenger()).toBeUndefined();
  expect((await world.ledger.serving("prod", toyModel))?.championMoved).toBe(true);
});

test("a promoted version names its approvers, and keeps them when a rollback returns to it", async () => {
  const first = await register("a");
  const served = await promoteVersion(world, "a", first.version);
  await world.ledger.change(served, (current) => ({ ...current, approvedBy: ["U1", "U2"] }));
  const subject = { delivery: "delivery-a", model: toyModel, commit: fakeCommit("a") };
  await moveChampion(world)(subject);
  await world.ledger.change(served, (current) => ({ ...current, approvedBy: [] }));
  await moveChampion(world)(subject);
  expect((await world.registry.version(toyModel, 1))?.tags).toMatchObject({ approved_by: "U1 U2" });
});

test("a promoted image gets a release tag, which keeps it", async () => {
  await promoteVersion(world, "a", (await register("a")).version);
  const subject = { delivery: "delivery-a", model: toyModel, commit: fakeCommit("a") };
  await moveChampion(world)(subject);
  await moveChampion(world)(subject);
  expect([...world.releases]).toEqual([["release-toy-1-aaaaaaaaaaaa", fakeDigest("a")]]);
});

test("a promotion whose image could not be tagged is completed by the next run", async () => {
  const served = await promoteVersion(world, "a", (await register("a")).version);
  await world.ledger.change(served, (current) => ({ ...current, championMoved: false }));
  const subject = { delivery: "delivery-a", model: toyModel, commit: fakeCommit("a") };
  const images = { release: () => Promise.reject(new Error("ECR is away")) };
  await expect(moveChampion({ ...world, images })(subject)).rejects.toThrow("ECR is away");
  expect(await world.ledger.serving("prod", toyModel)).toMatchObject({
    status: "promoted",
    championMoved: false,
  });
  await moveChampion(world)(subject);
  expect((await world.ledger.serving("prod", toyModel))?.championMoved).toBe(true);
  expect(world.releases.size).toBe(1);
});

test("a challenger whose delivery still runs keeps its alias", async () => {
  await register("a");
  await promoteVersion(world, "a", 1);
  await register("b");
  await moveChampion(world)({ delivery: "delivery-a", model: toyModel, commit: fakeCommit("a") });
  expect(await challenger()).toBe(2);
});

test("without a version on prod no champion is set", async () => {
  const subject = { delivery: "d", model: toyModel, commit: world.commit("a") };
  await expect(moveChampion(world)(subject)).rejects.toMatchObject({ name: "ContractBroken" });
});
