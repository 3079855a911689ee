import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { ArtifactMissing, ArtifactRefused } from "./artifacts.ts";

/**
 * A file of a repository on this machine, committed or not, by its path from the root. Links are followed, but not out of
 * the repository. Throws ArtifactRefused and ArtifactMissing.
 */
export const openRepositoryFile = async function* (
  repository: string,
  path: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const root = await realpath(repository);
  const target = await realpath(join(root, path)).catch((error: unknown) => {
    throw new ArtifactMissing(
      `${path} is not in ${repository}: put the artefact there, or correct artifact.uri.`,
      {
        cause: error,
      },
    );
  });
  if (!target.startsWith(root + sep) || target.startsWith(join(root, ".git") + sep))
    throw new ArtifactRefused(`${path} leads out of ${repository}: use a file inside the repository.`);
  // A pipe would wait for its writer.
  const file = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if (!(await file.stat()).isFile()) {
    await file.close();
    throw new ArtifactRefused(`${path} is not a plain file: use one.`);
  }
  yield* file.createReadStream();
};
