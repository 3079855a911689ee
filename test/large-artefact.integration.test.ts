import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, rm, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { toArtifactKey } from "#platform/artifacts/artifacts.ts";
import { createFileBlobs } from "#platform/blobs/files.ts";
import { hashStream } from "#platform/files/file-content.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { buildModelFiles, buildModelYaml, fakeCommit, toyModel } from "#test/support/toy-model.ts";

const artifactMb = 400;
const bytes = artifactMb * 1_024 * 1_024;
/** A step's function has 512 MB; the process also has Node's own 60 MB and what its garbage collector has not freed yet. */
const limitMb = 400;
const Report = z.object({ maxRssMb: z.number(), registered: z.object({ status: z.string() }) });

const hashZeros = (): string => {
  const hash = createHash("sha256");
  const chunk = Buffer.alloc(1 << 20);
  for (let index = 0; index < artifactMb; index += 1) hash.update(chunk);
  return hash.digest("hex");
};
const sha256 = hashZeros();

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let repository: Awaited<ReturnType<typeof createGitRepository>>;
beforeEach(async () => {
  folder = await createTemporaryFolder();
  repository = await createGitRepository();
});
afterEach(async () => {
  await repository?.remove();
  await folder?.remove();
});

const writeZeros = async (path: string) => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "");
  await truncate(path, bytes);
};

/** Each form of a large artefact: its manifest, and what lies where the form says. */
const forms: Readonly<Record<string, { readonly artifact: string; prepare(): Promise<void> }>> = {
  "a committed file": {
    artifact: "model.onnx",
    prepare: () => writeZeros(join(repository.path, "models", toyModel, "model.onnx")),
  },
  "a Git LFS pointer": {
    artifact: "model.onnx",
    prepare: async () => {
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${bytes}\n`;
      await writeFile(join(repository.path, "models", toyModel, "model.onnx"), pointer);
      const objects = join(repository.path, ".git", "lfs", "objects");
      await writeZeros(join(objects, sha256.slice(0, 2), sha256.slice(2, 4), sha256));
    },
  },
  "an address": {
    artifact: `{ uri: "file:artefacts/toy.onnx", sha256: ${sha256}, size: ${bytes} }`,
    prepare: async () => {
      await rm(join(repository.path, "models", toyModel, "model.onnx"));
      await writeFile(join(repository.path, ".gitignore"), "artefacts/\n");
      await writeZeros(join(repository.path, "artefacts", "toy.onnx"));
    },
  },
};

test.each(Object.keys(forms))(
  "a model of 400 MB, as %s, is built and registered by steps of 512 MB",
  async (form) => {
    const { artifact, prepare } = forms[form] ?? expect.unreachable();
    const models = join(repository.path, "models", toyModel);
    await mkdir(models, { recursive: true });
    for (const [name, content] of buildModelFiles(fakeCommit("a"), buildModelYaml({ artifact })))
      await writeFile(join(models, name), content);
    await prepare();
    const commit = await repository.commit({}, "A large model");

    const program = join(import.meta.dirname, "deliver-artefact-process.ts");
    const output = execFileSync(process.execPath, [program, repository.path, commit, folder.path], {
      encoding: "utf8",
    });
    const { maxRssMb, registered } = Report.parse(JSON.parse(output));

    expect(registered.status).toBe("registered");
    const blobs = createFileBlobs({ folder: join(folder.path, "blobs") });
    for (const key of [`registry/${toyModel}/1/model.onnx`, toArtifactKey(sha256)]) {
      const stored = await blobs.open(key);
      expect(stored && (await hashStream(stored))).toBe(sha256);
    }
    expect(maxRssMb).toBeLessThan(limitMb);
  },
);
