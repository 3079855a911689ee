/**
 * Builds a model's image and registers the model from a local repository, as the steps do:
 * `node deliver-artefact-process.ts <repository> <commit> <empty folder>`. Prints the process's largest memory.
 */

import { join } from "node:path";
import { copyCommittedModel } from "#domain/delivery/read-committed-model.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import { createFileBlobs } from "#platform/blobs/files.ts";
import { useTemporaryFolder } from "#platform/files/temporary-folder.ts";
import { createOciImages } from "#platform/images/oci.ts";
import { createSqliteRegistry } from "#platform/registry/sqlite.ts";
import { createGitSource } from "#platform/source/git.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { toyModel } from "#test/support/toy-model.ts";

const [repository = "", commit = "", folder = ""] = process.argv.slice(2);
const source = createGitSource({ repository });

const images = createOciImages({
  folder: join(folder, "images"),
  source,
  platform: "linux/arm64",
  bundle: async () => ({ files: new Map(), packages: [] }),
  check: async () => ({ name: toyModel }),
  advisories: async () => undefined,
  clock: Date.now,
});
const { contents } = await images.build({ model: toyModel, commit, runtime: await images.runtimeHash() });

const database = openDatabase(join(folder, "state.db"));
const blobs = createFileBlobs({ folder: join(folder, "blobs") });
const registry = createSqliteRegistry({ database, blobs, clock: Date.now });
await useTemporaryFolder("slipway-test-", async (copies) => {
  const { manifest, manifestText, files } = await copyCommittedModel({ source })(toyModel, commit, copies);
  const artifact = files.get(getArtifactFile(manifest));
  if (!artifact) throw new Error("the artefact was not copied");
  await registry.register({
    model: toyModel,
    delivery: "one",
    artifact,
    manifest: manifestText,
    metrics: {},
    tags: {},
  });
});
database.close();
console.log(JSON.stringify({ maxRssMb: process.resourceUsage().maxRSS / 1_024, files: contents?.files }));
