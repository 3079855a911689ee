import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder for a test, outside the repository; `remove` deletes it with its contents. */
export const createTemporaryFolder = async (): Promise<{
  readonly path: string;
  remove(): Promise<void>;
}> => {
  const path = await mkdtemp(join(tmpdir(), "slipway-test-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};
