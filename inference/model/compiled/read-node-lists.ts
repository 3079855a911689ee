import type { WholeNode } from "#model-folder/onnx/read-graph.ts";
import { assertPlainChains } from "./assert-plain-chains.ts";
import { buildTree, maxNodes, type NodeTable } from "./build-trees.ts";
import { NotCompiled } from "./not-compiled.ts";
import { readAttributes } from "./read-attributes.ts";
import { pick } from "./row-tensor.ts";
import type { NodeMode, Tree } from "./tree-ensemble.ts";

const modes: ReadonlyMap<string, NodeMode> = new Map([
  ["BRANCH_LEQ", "<="],
  ["BRANCH_LT", "<"],
  ["BRANCH_GTE", ">="],
  ["BRANCH_GT", ">"],
  ["BRANCH_EQ", "=="],
  ["BRANCH_NEQ", "!="],
]);

/** Trees of TreeEnsembleClassifier and TreeEnsembleRegressor (ai.onnx.ml 1 to 3), and the weights that they were read from. */
export type NodeLists = {
  readonly trees: readonly Tree[];
  /** The targets or classes with a weight on some leaf. */
  readonly weighed: ReadonlySet<number>;
  readonly weights: Float32Array;
};

/**
 * Reads the lists `nodes_…` and `class_…` or `target_…`. A tree begins where the tree's number changes, as in onnxruntime
 * (core/providers/cpu/ml/tree_ensemble_common.h). Throws NotCompiled for what onnxruntime reads in another way than it
 * looks: a leaf without a weight, a weight on an inner node, a tree in two parts, double numbers.
 */
export const readNodeLists = (
  node: WholeNode,
  prefix: "class" | "target",
  { featureCount, width }: { readonly featureCount: number; readonly width: number },
): NodeLists => {
  const { operator } = node;
  const attributes = readAttributes(node);
  const list = (name: string): readonly number[] => attributes.ints(name) ?? [];
  const nodeIds = list("nodes_nodeids");
  const treeIds = list("nodes_treeids");
  const features = list("nodes_featureids");
  const yes = list("nodes_truenodeids");
  const no = list("nodes_falsenodeids");
  const missing = list("nodes_missing_value_tracks_true");
  const names = attributes.strings("nodes_modes") ?? [];
  const thresholds = attributes.floats("nodes_values") ?? new Float32Array();
  const count = nodeIds.length;
  if (count === 0) throw new NotCompiled(`${operator} has no nodes`);
  if ([treeIds, features, yes, no, names, thresholds].some(({ length }) => length !== count))
    throw new NotCompiled(`${operator} lists its nodes with different lengths`);
  if (missing.length !== 0 && missing.length !== count)
    throw new NotCompiled(`${operator} lists its nodes with different lengths`);

  const numbers = numberNodes(operator, treeIds, nodeIds);
  const findNode = (tree: number, id: number): number => {
    const found = numbers.get(tree)?.nodes.get(id);
    if (found === undefined) throw new NotCompiled(`${operator} leads to a node that its tree does not have`);
    return found;
  };
  const isLeaf = (index: number): boolean => names[index] === "LEAF";

  const targetIds = list(`${prefix}_ids`);
  const targetTrees = list(`${prefix}_treeids`);
  const targetNodes = list(`${prefix}_nodeids`);
  const weights = attributes.floats(`${prefix}_weights`) ?? new Float32Array();
  if ([targetTrees, targetNodes, weights].some(({ length }) => length !== targetIds.length))
    throw new NotCompiled(`${operator} lists its weights with different lengths`);
  const leafWeights = new Map<number, number[]>();
  for (const [index, target] of targetIds.entries()) {
    if (target < 0 || target >= width)
      throw new NotCompiled(`${operator} weighs target ${target} of ${width}`);
    const leaf = findNode(pick(targetTrees, index), pick(targetNodes, index));
    if (!isLeaf(leaf)) throw new NotCompiled(`${operator} has a weight on a node that is no leaf`);
    const list = leafWeights.get(leaf);
    if (!Number.isFinite(weights[index]))
      throw new NotCompiled(`${operator} has a weight that is no finite number`);
    if (list === undefined) leafWeights.set(leaf, [target, pick(weights, index)]);
    else if (list.some((each, at) => at % 2 === 0 && each === target))
      throw new NotCompiled(`${operator} has two weights for one target on one leaf`);
    else list.push(target, pick(weights, index));
  }

  const reached = new Set<number>();
  const table: NodeTable = {
    operator,
    featureCount,
    mode: (index) => {
      if (isLeaf(index)) return undefined;
      const mode = modes.get(pick(names, index));
      if (mode === undefined) throw new NotCompiled(`${operator} has a node of the mode ${names[index]}`);
      return mode;
    },
    feature: (index) => pick(features, index),
    threshold: (index) => pick(thresholds, index),
    missingIsYes: (index) => missing[index] === 1,
    yes: (index) => findNode(pick(treeIds, index), pick(yes, index)),
    no: (index) => findNode(pick(treeIds, index), pick(no, index)),
    set: () => {
      throw new NotCompiled(`${operator} has a set`);
    },
    weights: (leaf) => {
      const found = leafWeights.get(leaf);
      reached.add(leaf);
      // onnxruntime takes the leaf's own threshold as its weight where there is one target.
      if (found === undefined && width === 1)
        throw new NotCompiled(`${operator} has a leaf without a weight`);
      return found ?? [];
    },
  };
  // A node that several nodes lead to is copied; a file cannot make its trees much larger than it is.
  const budget = { nodes: Math.min(maxNodes, 4 * count + 1_000) };
  const trees = [...numbers.values()].map(({ root }) => buildTree(table, root, budget));
  // onnxruntime gives the weights of such a leaf to the first node of the ensemble if that is a leaf.
  for (const leaf of leafWeights.keys())
    if (!reached.has(leaf)) throw new NotCompiled(`${operator} has a leaf that no path leads to`);
  assertPlainChains(trees, width, operator);
  return {
    trees,
    weighed: new Set(targetIds),
    weights,
  };
};

type TreeNumbers = { readonly root: number; readonly nodes: Map<number, number> };

const numberNodes = (
  operator: string,
  treeIds: readonly number[],
  nodeIds: readonly number[],
): ReadonlyMap<number, TreeNumbers> => {
  const trees = new Map<number, TreeNumbers>();
  let previous: number | undefined;
  for (const [index, tree] of treeIds.entries()) {
    if (tree !== previous) {
      if (trees.has(tree)) throw new NotCompiled(`${operator} lists a tree in two parts`);
      trees.set(tree, { root: index, nodes: new Map() });
      previous = tree;
    }
    const { nodes } = pickTree(trees, tree);
    const id = pick(nodeIds, index);
    if (nodes.has(id)) throw new NotCompiled(`${operator} lists a node twice`);
    nodes.set(id, index);
  }
  return trees;
};

const pickTree = (trees: ReadonlyMap<number, TreeNumbers>, tree: number): TreeNumbers => {
  const found = trees.get(tree);
  if (found === undefined) throw new RangeError(`no tree ${tree}`);
  return found;
};
