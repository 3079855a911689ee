import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BenchModel } from "./bench-model.ts";
import type { Scenario } from "./compare-servers.ts";
import { native } from "./protocols.ts";
import { runLoad } from "./run-load.ts";
import { startServer } from "./start-server.ts";
import { type ProfileShare, summarizeProfile } from "./summarize-profile.ts";

type Options = {
  /** An empty folder for records and profiles. */
  readonly into: string;
  readonly seconds: number;
  readonly wrap: { readonly server: readonly string[]; readonly generator: readonly string[] };
};

/** Where `slipway serve` spends its time under one scenario's load: V8's profile of its main thread, its start included. */
export const profileSlipway = async (
  { folder, manifest, rows }: BenchModel,
  { requests, connections }: Pick<Scenario, "requests" | "connections">,
  { into, seconds, wrap }: Options,
): Promise<readonly ProfileShare[]> => {
  const profiles = join(into, "profiles");
  const format = (some: Scenario["requests"][number]) => native.formatBody(some, manifest);
  const server = await startServer("slipway serve", format(rows.slice(0, 1)), {
    folder,
    data: join(into, "records"),
    python: "",
    wrap: wrap.server,
    env: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` },
  });
  try {
    const load = { url: server.url, bodies: requests.map(format), connections, seconds };
    await runLoad(load, server.pid, wrap.generator);
  } finally {
    await server.stop();
  }
  // Of the main thread: CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile
  const names = await readdir(profiles);
  const main = names.find((name) => name.includes(`.${server.pid}.0.`));
  if (main === undefined)
    throw new Error(`slipway serve wrote no profile of its main thread: ${names.join()}`);
  const root = new URL("../../", import.meta.url).href;
  return summarizeProfile(JSON.parse(await readFile(join(profiles, main), "utf8")), root);
};
