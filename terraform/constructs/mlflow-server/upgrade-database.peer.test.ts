import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  completeListOptions,
  createPythonEnvironment,
  requirePython,
} from "../../../test/peers/python-environment.ts";
import { createTemporaryFolder } from "../../../test/support/temporary-folder.ts";

const { skip } = requirePython("the upgrade of MLflow's database");
const peers = join(import.meta.dirname, "..", "..", "..", "test", "peers");
const run = promisify(execFile);
const findPackages = async (python: string): Promise<string> =>
  (await run(python, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])).stdout.trim();

/** Opens the tracking server's store, as the server does. */
const open = `
import os
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
store = SqlAlchemyStore(os.environ["MLFLOW_BACKEND_STORE_URI"], "s3://models")
`;
const register = `${open}store.create_experiment("slipway/churn")`;
const list = `${open}print([one.name for one in store.search_experiments() if one.name != "Default"])`;

describe.skipIf(skip)("the upgrade of MLflow's database", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  beforeEach(async () => {
    folder = await createTemporaryFolder();
  });
  afterEach(() => folder.remove());

  /** `version`: the peer's MLflow, or an earlier one on the peer's packages. */
  const start = async (version: "current" | "earlier") => {
    const { python } = await createPythonEnvironment(join(peers, "requirements-mlflow.txt"));
    const earlier =
      version === "earlier"
        ? await createPythonEnvironment(join(peers, "requirements-mlflow-before.txt"), completeListOptions)
        : undefined;
    const env = {
      PATH: process.env.PATH,
      HOME: folder.path,
      MLFLOW_DISABLE_TELEMETRY: "true",
      MLFLOW_BACKEND_STORE_URI: `sqlite:///${join(folder.path, "mlflow.db")}`,
      ...(earlier && { PYTHONPATH: await findPackages(earlier.python) }),
    };
    const execute = async (args: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
      run(python, args, { env, cwd: folder.path, timeout: 300_000 });
    return {
      execute: async (program: string) => (await execute(["-c", program])).stdout.trim(),
      /** What MLflow logs while it opens the store. */
      open: async () => (await execute(["-c", open])).stderr,
      upgrade: () => execute([join(import.meta.dirname, "upgrade-database.py")]),
    };
  };

  test("brings a database of the version before to the server's version, with what is in it", async () => {
    const earlier = await start("earlier");
    const current = await start("current");
    await earlier.execute(register);
    await current.upgrade();
    // The server finds its own schema: it changes nothing, and refuses nothing.
    expect(await current.open()).not.toMatch(/database tables|out-of-date/);
    expect(await current.execute(list)).toBe("['slipway/churn']");
    await expect(earlier.open()).rejects.toThrow(/out-of-date database schema|Can't locate revision/);
    await current.upgrade();
    expect(await current.execute(list)).toBe("['slipway/churn']");
  }, 900_000);

  test("leaves a new database to the server", async () => {
    const current = await start("current");
    await current.upgrade();
    await current.execute(register);
    expect(await current.execute(list)).toBe("['slipway/churn']");
  }, 900_000);

  test("that fails ends with an error, so that the server does not start", async () => {
    const current = await start("current");
    await current.execute(register);
    await current.execute(
      'import os, sqlite3; db = sqlite3.connect(os.environ["MLFLOW_BACKEND_STORE_URI"][10:]); db.execute("UPDATE alembic_version SET version_num = \'unknown\'"); db.commit()',
    );
    await expect(current.upgrade()).rejects.toMatchObject({ code: 1 });
  }, 900_000);
});
