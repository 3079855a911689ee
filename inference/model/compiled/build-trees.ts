import { NotCompiled } from "./not-compiled.ts";
import { pick } from "./row-tensor.ts";
import { type NodeMode, nodeModes, type Tree } from "./tree-ensemble.ts";

/** A tree's nodes as a file lists them, by their number in the file. */
export type NodeTable = {
  readonly operator: string;
  readonly featureCount: number;
  /** What a node asks; undefined: it is a leaf. */
  mode(node: number): NodeMode | undefined;
  feature(node: number): number;
  threshold(node: number): number;
  missingIsYes(node: number): boolean;
  yes(node: number): number;
  no(node: number): number;
  /** The set of a `member` node. */
  set(node: number): Float32Array;
  /** Target and weight of a leaf, in turn. */
  weights(leaf: number): readonly number[];
};

/** Far beyond what trains in a day; a deeper tree is a hostile file. */
const maxDepth = 4_096;
export const maxNodes = 8_000_000;

type Question = {
  /** Defined for `member`. */
  readonly set: Float32Array | undefined;
  readonly missing: boolean;
  readonly no: number;
};

/**
 * What a node asks. LightGBM's exporter writes a set as a chain of "==" nodes whose `yes` is one node: they are one question.
 */
const readQuestion = (table: NodeTable, node: number, asks: NodeMode): Question => {
  const single = { missing: table.missingIsYes(node), no: table.no(node) };
  if (asks === "member") return { set: table.set(node), ...single };
  const next = table.no(node);
  const continues = (other: number): boolean =>
    table.mode(other) === "==" &&
    table.feature(other) === table.feature(node) &&
    table.yes(other) === table.yes(node) &&
    !Number.isNaN(table.threshold(other));
  if (asks !== "==" || Number.isNaN(table.threshold(node)) || !continues(next))
    return { set: undefined, ...single };
  const members = new Set([table.threshold(node)]);
  let { missing } = single;
  let at = next;
  // A chain that leads back to itself would go on for ever.
  const met = new Set([node]);
  for (; continues(at) && !met.has(at); at = table.no(at)) {
    met.add(at);
    members.add(table.threshold(at));
    missing ||= table.missingIsYes(at);
  }
  return { set: Float32Array.from(members).sort(), missing, no: at };
};

/**
 * Builds a tree from its root. Inner nodes and leaves are numbered as they are met, the `yes` side first. A node that several
 * nodes lead to is copied for each; `budget` ends a tree that leads back to itself.
 */
export const buildTree = (table: NodeTable, rootNode: number, budget: { nodes: number }): Tree => {
  const { operator } = table;
  const feature: number[] = [];
  const mode: number[] = [];
  const threshold: number[] = [];
  const missingIsYes: number[] = [];
  const yes: number[] = [];
  const no: number[] = [];
  const sets: Float32Array[] = [];
  const leafStart: number[] = [0];
  const leafTarget: number[] = [];
  const leafWeight: number[] = [];

  const addLeaf = (node: number): number => {
    const weights = table.weights(node);
    for (let at = 0; at < weights.length; at += 2) {
      leafTarget.push(pick(weights, at));
      leafWeight.push(pick(weights, at + 1));
    }
    leafStart.push(leafTarget.length);
    return ~(leafStart.length - 2);
  };
  const addInner = (node: number, asks: NodeMode, { set, missing }: Question): number => {
    const column = table.feature(node);
    if (column < 0 || column >= table.featureCount)
      throw new NotCompiled(`${operator} asks for feature ${column} of ${table.featureCount}`);
    feature.push(column);
    mode.push(nodeModes.indexOf(asks));
    if (set !== undefined) sets.push(set);
    const limit = set === undefined ? table.threshold(node) : sets.length - 1;
    if (Number.isNaN(limit)) throw new NotCompiled(`${operator} compares with NaN`);
    threshold.push(limit);
    missingIsYes.push(missing ? 1 : 0);
    yes.push(0);
    no.push(0);
    return feature.length - 1;
  };
  // Children wait on a stack: a list of their own per node would cost more than the tree.
  const waiting: { node: number; parent: number; isYes: boolean; depth: number }[] = [];
  const add = (node: number, depth: number): number => {
    if (--budget.nodes < 0)
      throw new NotCompiled(`${operator} leads to more nodes than it lists, or to more than ${maxNodes}`);
    if (depth > maxDepth) throw new NotCompiled(`a tree is deeper than ${maxDepth} nodes`);
    const asks = table.mode(node);
    if (asks === undefined) return addLeaf(node);
    const question = readQuestion(table, node, asks);
    const index = addInner(node, question.set === undefined ? asks : "member", question);
    waiting.push({ node: question.no, parent: index, isYes: false, depth: depth + 1 });
    waiting.push({ node: table.yes(node), parent: index, isYes: true, depth: depth + 1 });
    return index;
  };
  const root = add(rootNode, 0);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const child = add(next.node, next.depth);
    (next.isYes ? yes : no)[next.parent] = child;
  }
  return {
    root,
    feature: Int32Array.from(feature),
    mode: Uint8Array.from(mode),
    threshold: Float32Array.from(threshold),
    missingIsYes: Uint8Array.from(missingIsYes),
    yes: Int32Array.from(yes),
    no: Int32Array.from(no),
    sets,
    leafStart: Int32Array.from(leafStart),
    leafTarget: Int32Array.from(leafTarget),
    leafWeight: Float32Array.from(leafWeight),
  };
};
