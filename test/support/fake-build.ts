import { createHash } from "node:crypto";
import { type BuildFacts, builderIds } from "#domain/provenance/statement.ts";
import { fakeCommit, fakeDigest, toyModel } from "./toy-model.ts";

/** The digest of the current builder. */
export const fakeBuilderDigest = fakeDigest("e");

/** Git's id of a file's content. */
export const hashGitBlob = (content: Uint8Array): string =>
  createHash("sha1").update(`blob ${content.byteLength}\0`).update(content).digest("hex");

/** The facts of a build of a letter's commit from these files. */
export const createBuildFacts = (letter: string, files: ReadonlyMap<string, Uint8Array>): BuildFacts => ({
  digest: fakeDigest(letter),
  model: toyModel,
  commit: fakeCommit(letter),
  runtime: fakeDigest("f"),
  files: Object.fromEntries(
    [...files].map(([name, content]) => [name, createHash("sha256").update(content).digest("hex")]),
  ),
  gitBlobs: Object.fromEntries([...files].map(([name, content]) => [name, hashGitBlob(content)])),
  artifact: createHash("sha256")
    .update(files.get("model.onnx") ?? "")
    .digest("hex"),
  baseImage: null,
  layers: [fakeDigest("f"), fakeDigest("1")],
  builderId: builderIds.embedded,
  builder: fakeBuilderDigest,
  buildId: "build:1",
  finishedAt: 1_000_000_000,
});

/** The variables that a build exports for an image. */
export const createBuildVariables = (letter: string, builtAt = 1_000_000_000) => [
  { Name: "SLIPWAY_DIGEST", Value: fakeDigest(letter) },
  { Name: "SLIPWAY_SIZE_BYTES", Value: "1000" },
  { Name: "SLIPWAY_BUILD_ID", Value: "build:1" },
  { Name: "SLIPWAY_BUILT_AT", Value: String(builtAt) },
];
