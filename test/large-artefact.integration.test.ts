import { execFileSync } from "node:child_process";
import { mkdir, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { createFileBlobs } from "#platform/blobs/files.ts";
import { hashStream } from "#platform/files/file-content.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { buildModelFiles, fakeCommit, toyModel } from "#test/support/toy-model.ts";

const artifactMb = 400;
const Report = z.object({ maxRssMb: z.number(), files: z.record(z.string(), z.string()) });

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let repository: Awaited<ReturnType<typeof createGitRepository>>;
beforeAll(async () => {
  folder = await createTemporaryFolder();
  repository = await createGitRepository();
});
afterAll(async () => {
  await repository?.remove();
  await folder?.remove();
});

test("build and registration of an artefact of 400 MB take less memory than the artefact", async () => {
  const models = join(repository.path, "models", toyModel);
  await mkdir(models, { recursive: true });
  for (const [name, bytes] of buildModelFiles(fakeCommit("a"))) await writeFile(join(models, name), bytes);
  await truncate(join(models, "model.onnx"), artifactMb * 1_024 * 1_024);
  const commit = await repository.commit({}, "A large model");

  const program = join(import.meta.dirname, "deliver-artefact-process.ts");
  const output = execFileSync(process.execPath, [program, repository.path, commit, folder.path], {
    encoding: "utf8",
  });
  const { maxRssMb, files } = Report.parse(JSON.parse(output));

  const registered = await createFileBlobs({ folder: join(folder.path, "blobs") }).open(
    `registry/${toyModel}/1/model.onnx`,
  );
  expect((await stat(join(models, "model.onnx"))).size).toBe(artifactMb * 1_024 * 1_024);
  expect(registered && (await hashStream(registered))).toBe(files["model.onnx"]);
  expect(maxRssMb).toBeLessThan(artifactMb);
});
