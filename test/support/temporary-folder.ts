import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of a test's own, outside the repository; `remove` takes it away with all that is in it. */
export const createTemporaryFolder = async (): Promise<{
  readonly path: string;
  remove(): Promise<void>;
}> => {
  const path = await mkdtemp(join(tmpdir(), "slipway-test-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};
