import { posix } from "node:path";
import { parseSource } from "./support/parse-source.ts";

type Layer = {
  readonly name: string;
  /** The layer's files; the first layer that matches a path counts. */
  readonly files: RegExp;
  /** Layers below that it may not import (`without`), or the only ones that it may import (`only`). */
  readonly without?: readonly string[];
  readonly only?: readonly string[];
};

/**
 * A layer is a folder, or a kind of file in a folder, listed from what people run down to what all others use. A
 * layer imports from itself and from the layers below it. `contract`: the file of a capability that has its folder's
 * name, and what belongs to no capability. Code that imports only this from platform/ runs in both worlds.
 */
export const layers: readonly Layer[] = [
  { name: "test", files: /^test\/|\.test\.ts$/ },
  { name: "bench", files: /^bench\// },
  { name: "scripts", files: /^scripts\/|^docs\// },
  { name: "cli", files: /^cli\// },
  { name: "terraform", files: /^terraform\//, only: ["environment", "statemachine", "contract"] },
  {
    name: "worlds/embedded",
    files: /^worlds\/embedded\//,
    without: ["handler", "worlds/aws", "environment"],
  },
  { name: "handler", files: /^lambdas\/[^/]+\/handler\.ts$/, without: ["packaging", "model-check"] },
  {
    name: "lambdas",
    files: /^lambdas\/(?![^/]+\/(?:env|handler)\.ts$)/,
    without: ["worlds/aws", "environment", "packaging", "model-check", "platform"],
  },
  { name: "worlds/aws", files: /^worlds\/aws\/(?!environment\/)/ },
  {
    name: "environment",
    files: /^lambdas\/[^/]+\/env\.ts$|^worlds\/aws\/environment\//,
    only: ["contract", "model-folder", "untrusted"],
  },
  {
    name: "console",
    files: /^console\//,
    without: ["packaging", "slack", "model-check", "inference", "api-keys", "platform"],
  },
  { name: "packaging", files: /^packaging\// },
  { name: "slack", files: /^slack\//, without: ["model-check", "inference", "api-keys", "platform"] },
  {
    name: "statemachine",
    files: /^statemachine\//,
    without: ["model-check", "inference", "api-keys", "platform"],
  },
  { name: "domain", files: /^domain\//, without: ["model-check", "inference", "api-keys", "platform"] },
  { name: "model-check", files: /^model-check\//, without: ["platform"] },
  { name: "inference", files: /^inference\//, without: ["platform"] },
  { name: "api-keys", files: /^api-keys\//, without: ["platform"] },
  { name: "platform", files: /^platform\/(?!(?:errors|files|processes)\/|([^/]+)\/\1\.ts$)/ },
  { name: "contract", files: /^platform\// },
  { name: "model-folder", files: /^model-folder\// },
  { name: "untrusted", files: /^untrusted\// },
];

/** Which layers may import a package. */
const packages: readonly { readonly name: string; readonly layers: readonly string[] }[] = [
  { name: "@aws-sdk/", layers: ["test", "scripts", "cli", "handler", "worlds/aws", "platform", "contract"] },
  { name: "node:sqlite", layers: ["test", "bench", "platform"] },
  { name: "@cdktn/", layers: ["test", "terraform"] },
  { name: "onnxruntime-node", layers: ["test", "bench", "inference", "packaging"] },
];

const findLayer = (path: string): Layer | undefined => layers.find(({ files }) => files.test(path));

const allowedImports = (from: Layer, to: Layer): boolean => {
  if (from === to || from.name === "test") return true;
  if (layers.indexOf(to) < layers.indexOf(from))
    return from.name === "scripts" || from.name === "bench" ? to.name === "test" : false;
  return from.only ? from.only.includes(to.name) : !from.without?.includes(to.name);
};

const findSpecifiers = (path: string, source: string): readonly string[] => [
  ...new Set(parseSource(path, source).imports.map(({ specifier }) => specifier)),
];

/** The path from the root of a module of this repository; undefined for a package. */
const resolveSpecifier = (path: string, specifier: string): string | undefined => {
  // "#domain/…" is a path from the root (package.json, "imports").
  if (specifier.startsWith("#")) return specifier.slice(1);
  return specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : undefined;
};

/** The repository's modules that a file names, as paths from the root. */
export const findImports = (path: string, source: string): readonly string[] =>
  findSpecifiers(path, source).flatMap((specifier) => resolveSpecifier(path, specifier) ?? []);

/**
 * One sentence for each import of a layer or package that the file's layer may not import.
 * @param files sources by their path from the repository's root
 */
export const findForbiddenImports = (files: ReadonlyMap<string, string>): readonly string[] =>
  [...files].flatMap(([path, source]) => {
    const from = findLayer(path);
    if (!from) return [];
    const specifiers = findSpecifiers(path, source);
    const folders = specifiers.flatMap((specifier) => {
      const target = resolveSpecifier(path, specifier);
      const to = target === undefined ? undefined : findLayer(target);
      return !to || allowedImports(from, to)
        ? []
        : [`${path} imports ${target}: ${from.name} may not import ${to.name}.`];
    });
    const loaded = specifiers.flatMap((specifier) => {
      const owner = packages.find(({ name }) => specifier.startsWith(name));
      return !owner || owner.layers.includes(from.name)
        ? []
        : [`${path} imports ${specifier}: only ${owner.layers.join(", ")} may import it.`];
    });
    return [...folders, ...loaded];
  });

/** Groups of files that import each other, types included; each group sorted. Tarjan, SIAM J. Comput. 1972;1(2):146. */
export const cycles = (files: ReadonlyMap<string, string>): readonly (readonly string[])[] => {
  const index = new Map<string, number>();
  const lowest = new Map<string, number>();
  const path: string[] = [];
  const groups: string[][] = [];
  const visit = (file: string): number => {
    const order = index.size;
    index.set(file, order);
    let low = order;
    path.push(file);
    for (const target of findImports(file, files.get(file) ?? "")) {
      if (!files.has(target)) continue;
      if (!index.has(target)) low = Math.min(low, visit(target));
      else if (path.includes(target)) low = Math.min(low, lowest.get(target) ?? index.get(target) ?? order);
      lowest.set(file, low);
    }
    lowest.set(file, low);
    if (low === order) {
      const group = path.splice(path.indexOf(file));
      if (group.length > 1) groups.push(group.toSorted());
    }
    return low;
  };
  for (const file of files.keys()) if (!index.has(file)) visit(file);
  return groups;
};
