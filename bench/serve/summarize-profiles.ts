import { z } from "zod";

/** V8's form of a profile: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
export const Profile = z.object({
  /** Microseconds of a clock that all processes share. */
  startTime: z.number(),
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string() }),
      children: z.array(z.number()).optional(),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});
export type Profile = z.infer<typeof Profile>;
type Frame = Profile["nodes"][number]["callFrame"];

export type ProfileShare = {
  readonly area: string;
  /** Of the time that the thread was busy, 0 to 1. */
  readonly share: number;
};

const http = "Node's HTTP server and event loop";

/** The area that a frame itself belongs to; undefined for native code and packages, whose caller's area it takes. */
const findArea = ({ functionName, url }: Frame, root: string): string | undefined => {
  if (functionName === "(garbage collector)") return "garbage collection";
  if (url.startsWith("wasm:")) return "the kernel (WebAssembly)";
  if (!url.startsWith(root)) return undefined;
  const folders = url.slice(root.length).split("/").slice(0, -1);
  return folders[0] === "node_modules" ? undefined : folders.slice(0, 2).join("/");
};

/** Microseconds by area; idle time has none. */
const addTimes = (
  { nodes, samples, timeDeltas, startTime }: Profile,
  root: string,
  from: number,
  times: Map<string, number>,
): void => {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const parents = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const areas = new Map<number, string | undefined>();
  const locate = (id: number): string | undefined => {
    if (areas.has(id)) return areas.get(id);
    const frame = frames.get(id);
    const parent = parents.get(id);
    const isIdle = frame?.functionName === "(idle)";
    const area = isIdle
      ? undefined
      : ((frame && findArea(frame, root)) ?? (parent === undefined ? http : locate(parent)));
    areas.set(id, area);
    return area;
  };
  let at = startTime;
  for (const [index, id] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0;
    at += delta;
    const area = at < from ? undefined : locate(id);
    if (area !== undefined) times.set(area, (times.get(area) ?? 0) + delta);
  }
};

/**
 * Where profiled threads spent their time, the largest share first: each sample counts for the innermost folder of Slipway (two
 * levels) on its stack, so that Node's and native functions count for who calls them. Idle time is left out.
 * @param root the repository's address, `file:///…/`
 * @param from samples before it do not count; microseconds of the profiles' clock
 */
export const summarizeProfiles = (
  profiles: readonly Profile[],
  root: string,
  from: number,
): readonly ProfileShare[] => {
  const times = new Map<string, number>();
  for (const profile of profiles) addTimes(profile, root, from, times);
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times]
    .map(([area, time]) => ({ area, share: time / busy }))
    .toSorted((a, b) => b.share - a.share);
};
