import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { endProgress } from "#cli/progress.ts";
import type { PreparedFolder } from "#inference/prepared-folder.ts";
import { youngGeneration } from "#platform/processes/young-generation.ts";
import type { ServeOptions } from "./serve-folder.ts";

type ServeRequest = {
  readonly folder: string;
  readonly prepared: PreparedFolder;
  readonly options: ServeOptions;
};

/** The plan is beside the request, because JSON would double it. */
const planFile = "model.plan";
const requestFile = "request.json";

/** Reads and removes what `handOver` wrote. A shallow check is enough: only this user can write there. */
export const takeRequest = (path: string): ServeRequest => {
  const { hasPlan, prepared, ...request } = JSON.parse(readFileSync(path, "utf8"));
  const plan = hasPlan ? readFileSync(join(dirname(path), planFile)) : undefined;
  rmSync(dirname(path), { recursive: true, force: true });
  return { ...request, prepared: { ...prepared, plan } };
};

/**
 * Makes this process the program that serves, and with it frees the memory of all that read, checked and compiled the
 * model: same process id, same streams. Returns only where the system cannot do that.
 * @param program path of the bundle's serve-process
 */
export const handOver = (program: string, { folder, prepared, options }: ServeRequest): void => {
  // With a channel to its parent, Node would look for a descriptor that is closed by then.
  if (!process.execve || process.platform === "win32" || process.connected) return;
  const { plan, ...rest } = prepared;
  const path = mkdtempSync(join(tmpdir(), "slipway-serve-"));
  if (plan) writeFileSync(join(path, planFile), plan);
  const request = { folder: resolve(folder), prepared: rest, options, hasPlan: plan !== undefined };
  writeFileSync(join(path, requestFile), JSON.stringify(request), { mode: 0o600 });
  endProgress();
  process.execve(
    process.execPath,
    [
      process.execPath,
      youngGeneration,
      ...process.execArgv,
      program,
      join(path, requestFile),
      ...process.argv.slice(2),
    ],
    process.env,
  );
};
