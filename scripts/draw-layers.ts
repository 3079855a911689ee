/** Draws the layers into docs/architecture.md, as the imports are: `npm run docs:layers`. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findImports, layers } from "#test/arrows.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const document = `${root}docs/architecture.md`;
const markers = ["<!-- npm run docs:layers draws from here -->", "<!-- to here -->"] as const;

/** The text of a layer's box: the folder, then its content in a few words. */
const labels = new Map<string, readonly [folder: string, content: string]>(
  Object.entries({
    cli: ["cli/", "the slipway command"],
    terraform: ["terraform/", "stacks of the three accounts"],
    "worlds/embedded": ["worlds/embedded/", "the world on one machine"],
    handler: ["lambdas/*/handler.ts", "functions on AWS"],
    lambdas: ["lambdas/*/", "steps, start, sweep, answers, predict"],
    "worlds/aws": ["worlds/aws/", "what handlers and CLI use on AWS"],
    environment: ["lambdas/*/env.ts, worlds/aws/environment/", "variables of the functions"],
    console: ["console/", "the pages of both worlds"],
    packaging: ["packaging/", "images, zips, the builder"],
    slack: ["slack/", "messages as Slack's blocks"],
    statemachine: ["statemachine/", "states and their contracts"],
    domain: ["domain/", "the rules"],
    "model-check": ["model-check/", "whether a model's folder holds"],
    inference: ["inference/", "the inference service"],
    "api-keys": ["api-keys/", "keys of applications"],
    platform: ["platform/*/", "implementations of capabilities"],
    contract: ["platform/*/*.ts of the same name", "contracts of capabilities"],
    "model-folder": ["model-folder/", "reads what is committed"],
    untrusted: ["untrusted/", "strings and keys from outside"],
  }),
);
/** They may import everything, and nothing imports them. */
const omitted = ["test", "bench", "scripts"];

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Which layers each layer imports. */
const readGraph = (): Graph => {
  const listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.ts", "*.mjs"];
  const files = execFileSync("git", listed, { cwd: root, encoding: "utf8" })
    .split("\0")
    .filter((path) => path !== "" && existsSync(root + path));
  const findLayer = (path: string) => layers.find((layer) => layer.files.test(path))?.name;
  const graph = new Map(
    layers.map(({ name }) => [name, new Set<string>()] as const).filter(([name]) => !omitted.includes(name)),
  );
  for (const path of files) {
    const from = findLayer(path) ?? "";
    for (const imported of findImports(path, readFileSync(root + path, "utf8"))) {
      const to = findLayer(imported);
      if (to !== undefined && to !== from) graph.get(from)?.add(to);
    }
  }
  return graph;
};

/** All layers that a layer reaches by one import or more. */
const findReachable = (graph: Graph, from: string, found = new Set<string>()): ReadonlySet<string> => {
  for (const to of graph.get(from) ?? [])
    if (!found.has(to)) {
      found.add(to);
      findReachable(graph, to, found);
    }
  return found;
};

/** An arrow is left out where others lead there: the transitive reduction (Aho, SIAM J. Comput. 1972;1(2):131). */
const reduceGraph = (graph: Graph): readonly (readonly [string, string])[] =>
  [...graph].flatMap(([from, targets]) =>
    [...targets]
      .filter((to) => ![...targets].some((other) => findReachable(graph, other).has(to)))
      .toSorted()
      .map((to) => [from, to] as const),
  );

const drawDiagram = (): string => {
  const graph = readGraph();
  const toId = (name: string) => name.replace("/", "-");
  const boxes = [...graph.keys()].map((name) => {
    const label = labels.get(name);
    if (!label)
      throw new Error(`The layer ${name} of test/arrows.ts has no label in scripts/draw-layers.ts.`);
    return `  ${toId(name)}["<b>${label[0]}</b><br/>${label[1]}"]`;
  });
  const arrows = reduceGraph(graph).map(([from, to]) => `  ${toId(from)} --> ${toId(to)}`);
  return ["```mermaid", "flowchart TD", ...boxes, ...arrows, "```"].join("\n");
};

/** The document with the drawing of today between its markers. */
export const drawLayers = (text: string): string => {
  const [begin, end] = markers.map((marker) => text.indexOf(marker));
  if (begin === undefined || end === undefined || begin < 0 || end < begin)
    throw new Error(`docs/architecture.md lacks its markers: ${markers.join(" … ")}`);
  return `${text.slice(0, begin)}${markers[0]}\n${drawDiagram()}\n${text.slice(end)}`;
};

if (import.meta.main) writeFileSync(document, drawLayers(readFileSync(document, "utf8")));
