import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

export const repositoryRoot = fileURLToPath(new URL("../..", import.meta.url));
export const slipwayPath = join(repositoryRoot, "cli", "slipway.ts");

const createSecret = () => randomBytes(24).toString("hex");

/** Resources of one end-to-end run: a data folder that does not exist yet, secrets for the environment, all output. */
export const createFixture = async () => {
  const folder = await createTemporaryFolder();
  const secrets = {
    SLACK_SIGNING_SECRET: createSecret(),
    SLACK_BOT_TOKEN: `xoxb-${createSecret()}`,
    CONTROL_TOKEN: createSecret(),
  };
  return {
    /** A folder for the test's files, with the data folder in it. */
    folder: folder.path,
    data: join(folder.path, "data"),
    repository: join(folder.path, "data", "repository"),
    secrets,
    env: { ...process.env, ...secrets, NO_COLOR: "1" } as Readonly<Record<string, string | undefined>>,
    /** All output of all processes on this fixture, for the search for secrets. */
    outputs: [] as { readonly where: string; readonly text: string }[],
    remove: folder.remove,
  };
};
export type Fixture = Awaited<ReturnType<typeof createFixture>>;
