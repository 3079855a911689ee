import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ArtifactRules } from "#platform/artifact-rules/artifact-rules.ts";
import { computeSha256, readContent } from "#platform/files/file-content.ts";
import { writeLocalFile } from "#platform/files/local-file.ts";
import { memoryBlobs } from "#test/support/memory-blobs.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { toFileStream } from "#test/support/to-file-stream.ts";
import { buildModelYaml } from "#test/support/toy-model.ts";
import type { ArtifactReference } from "./artifacts.ts";
import { createBlobArtifactStore } from "./blob-artifact-store.ts";
import { openArtifacts } from "./open-artifacts.ts";
import { resolveModelFiles } from "./resolve-model-files.ts";

const bytes = Buffer.from("an onnx file");
const sha256 = computeSha256(bytes);
const uri = "s3://our-models/churn.onnx";

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let store: ReturnType<typeof createBlobArtifactStore>;
beforeEach(async () => {
  folder = await createTemporaryFolder();
  store = createBlobArtifactStore({ blobs: memoryBlobs() });
  await store.keep(toFileStream(bytes));
});
afterEach(() => folder.remove());

const refuse = () => expect.unreachable("nothing is read from elsewhere");

/** Resolves the folder of a model that names an artefact which the store has; `maxBytes`: today's limit. */
const resolve = async (artifact: string, { maxBytes = 1_000 } = {}) => {
  const notes: ArtifactReference[] = [];
  const repository = join(folder.path, "repository");
  await mkdir(join(repository, "artefacts"), { recursive: true });
  const work = join(folder.path, "work");
  await mkdir(work);
  const text = Buffer.from(buildModelYaml({ artifact }));
  const manifest = await writeLocalFile(join(work, "manifest"), toFileStream(text).open());
  const rules = ArtifactRules.parse({ buckets: ["our-models"], maxBytes });
  const files = await resolveModelFiles({
    artifacts: openArtifacts({ https: refuse, s3: refuse, lfs: refuse, repository }),
    store,
    rules: async () => rules,
    onKept: (reference) => notes.push(reference),
  })(new Map([["model.yaml", manifest]]), { commit: "a", folder: work });
  const found = files.get("model.onnx");
  return { content: found && Buffer.from(await readContent(found)), notes };
};

test("an artefact that is kept is not read from its address again, and the caller learns it", async () => {
  const { content, notes } = await resolve(`{ uri: "${uri}", sha256: ${sha256}, size: ${bytes.length} }`);
  expect(content).toEqual(bytes);
  expect(notes).toMatchObject([{ uri, sha256 }]);
});

test("a kept artefact of another size than the commit says is refused", async () => {
  await expect(resolve(`{ uri: "${uri}", sha256: ${sha256}, size: 5 }`)).rejects.toMatchObject({
    name: "ArtifactDiffers",
  });
});

test("a kept artefact above today's limit is refused", async () => {
  await expect(resolve(`{ uri: "${uri}", sha256: ${sha256} }`, { maxBytes: 5 })).rejects.toMatchObject({
    name: "ArtifactTooLarge",
    message: `${uri} has ${bytes.length} bytes or more (limit 5 bytes): export a smaller model, or ask the platform team to raise artifacts.maxBytes in the policy.`,
  });
});

test("a file of this machine must be there, whatever is kept", async () => {
  await expect(resolve(`{ uri: "file:artefacts/churn.onnx", sha256: ${sha256} }`)).rejects.toMatchObject({
    name: "ArtifactMissing",
  });
});
