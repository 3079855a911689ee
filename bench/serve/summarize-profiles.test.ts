import { expect, test } from "vitest";
import { Profile, summarizeProfiles } from "./summarize-profiles.ts";

const root = "file:///project/";
const node = (id: number, functionName: string, url: string, ...children: number[]) => ({
  id,
  callFrame: { functionName, url },
  children,
});
const nodes = [
  node(1, "(root)", "", 2, 3, 4, 8),
  node(2, "(idle)", ""),
  node(3, "(garbage collector)", ""),
  node(4, "parserOnIncoming", "node:_http_server", 5),
  node(5, "predict", "file:///project/inference/http/routes.ts", 6, 7),
  node(6, "stringify", ""),
  node(7, "run", "file:///project/node_modules/x/index.js", 9),
  node(8, "(program)", ""),
  node(9, "run", "wasm://wasm/1"),
];
const build = (samples: number[], timeDeltas = samples.map(() => 1)): Profile => ({
  startTime: 100,
  nodes,
  samples,
  timeDeltas,
});
const summarize = (...profile: Parameters<typeof build>) => summarizeProfiles([build(...profile)], root, 0);

test("native functions and packages count for the folder that calls them, and the rest for Node", () => {
  expect(summarize([5, 6, 7, 4])).toEqual([
    { area: "inference/http", share: 0.75 },
    { area: "Node's HTTP server and event loop", share: 0.25 },
  ]);
});

test("garbage collection and WebAssembly have their own shares; idle time has none", () => {
  expect(summarize([2, 3, 9, 9, 8], [1_000, 1, 1, 1, 1])).toEqual([
    { area: "the kernel (WebAssembly)", share: 0.5 },
    { area: "garbage collection", share: 0.25 },
    { area: "Node's HTTP server and event loop", share: 0.25 },
  ]);
});

test("samples before the load do not count, and threads are summed", () => {
  const profiles = [build([4, 4, 5]), build([4, 4, 9])];
  expect(summarizeProfiles(profiles, root, 103)).toEqual([
    { area: "inference/http", share: 0.5 },
    { area: "the kernel (WebAssembly)", share: 0.5 },
  ]);
});

test("what is no profile is refused", () => {
  expect(() => Profile.parse({ nodes: [] })).toThrow();
});
