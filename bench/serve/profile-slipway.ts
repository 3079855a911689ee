import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BenchModel } from "./bench-model.ts";
import type { Scenario } from "./compare-servers.ts";
import { native } from "./protocols.ts";
import { runLoad } from "./run-load.ts";
import { startServer } from "./start-server.ts";
import { Profile, type ProfileShare, summarizeProfiles } from "./summarize-profiles.ts";

type Options = {
  /** An empty folder for records and profiles. */
  readonly into: string;
  readonly seconds: number;
  readonly wrap: { readonly server: readonly string[]; readonly generator: readonly string[] };
};

/**
 * Where `slipway serve` spends its time under one scenario's load: V8's profiles, without its start. The offload process
 * of large requests ends by SIGKILL, so it writes none.
 */
export const profileSlipway = async (
  { folder, manifest, rows }: BenchModel,
  { requests, connections }: Pick<Scenario, "requests" | "connections">,
  { into, seconds, wrap }: Options,
): Promise<readonly ProfileShare[]> => {
  const profiles = join(into, "profiles");
  const format = (some: Scenario["requests"][number]) => native.formatBody(some, manifest);
  const startedAt = performance.now();
  const server = await startServer("slipway serve", format(rows.slice(0, 1)), {
    folder,
    data: join(into, "records"),
    python: "",
    wrap: wrap.server,
    hasChannel: true,
    env: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` },
  });
  const startMicros = (performance.now() - startedAt) * 1_000;
  try {
    const load = { url: server.url, bodies: requests.map(format), connections, seconds };
    await runLoad(load, server.pid, wrap.generator);
  } finally {
    await server.stop();
  }
  const names = await readdir(profiles);
  const read = async (name: string) =>
    Profile.parse(JSON.parse(await readFile(join(profiles, name), "utf8")));
  const all = new Map(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
  // Of the main thread: CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile
  const main = names.find((name) => name.includes(`.${server.pid}.0.`));
  const profile = main === undefined ? undefined : all.get(main);
  if (!profile) throw new Error(`slipway serve wrote no profile of its main thread: ${names.join()}`);
  const root = new URL("../../", import.meta.url).href;
  return summarizeProfiles([...all.values()], root, profile.startTime + startMicros);
};
