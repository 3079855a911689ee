import { nodeModes, type Tree, type TreeEnsemble } from "../tree-ensemble.ts";

/** Limits of one ensemble. What is beyond them onnxruntime runs. */
const limits = { features: 65_536, width: 1_024, trees: 100_000, nodes: 8_000_000, weights: 32_000_000 };

/** Whether the children form a tree: every inner node and every leaf has one parent, and is below the root. */
const isTree = (tree: Tree): boolean => {
  const inner = tree.feature.length;
  const leaves = tree.leafStart.length - 1;
  const seen = new Uint8Array(inner + leaves);
  const open = [tree.root];
  let visited = 0;
  for (let child = open.pop(); child !== undefined; child = open.pop()) {
    const index = child >= 0 ? child : inner + ~child;
    if (!Number.isInteger(child) || child >= inner || index >= seen.length || seen[index] === 1) return false;
    seen[index] = 1;
    visited++;
    if (child < 0) continue;
    open.push(tree.yes[child] ?? inner, tree.no[child] ?? inner);
  }
  return visited === seen.length;
};

const haveOneLength = (arrays: readonly { readonly length: number }[]): boolean =>
  new Set(arrays.map(({ length }) => length)).size === 1;

const findTreeRefusal = (tree: Tree, { featureCount, width }: TreeEnsemble): string | undefined => {
  const { feature, mode, threshold, missingIsYes, yes, no, sets, leafStart, leafTarget, leafWeight } = tree;
  if (!haveOneLength([feature, mode, threshold, missingIsYes, yes, no]) || leafStart.length < 2)
    return "a tree's arrays do not have the length of its nodes";
  if (!isTree(tree)) return "a tree has a node with two parents, or one that no path reaches";
  if (feature.some((index) => index < 0 || index >= featureCount))
    return "a node reads a feature that does not exist";
  for (const [node, index] of mode.entries()) {
    const name = nodeModes[index];
    if (name === undefined) return "a node has an unknown mode";
    const value = threshold[node] ?? Number.NaN;
    if (Number.isNaN(value)) return "a node compares with a value that is not a number";
    if (name === "member" && sets[value] === undefined) return "a node has no set of members";
  }
  if (leafStart[0] !== 0 || leafStart.at(-1) !== leafTarget.length || leafTarget.length !== leafWeight.length)
    return "a tree's weights do not belong to its leaves";
  for (let leaf = 0; leaf + 1 < leafStart.length; leaf++) {
    const targets = leafTarget.subarray(leafStart[leaf], leafStart[leaf + 1]);
    if ((leafStart[leaf] ?? 0) > (leafStart[leaf + 1] ?? 0))
      return "a tree's weights do not belong to its leaves";
    if (targets.some((target) => target < 0 || target >= width))
      return "a leaf weighs a target that does not exist";
    if (new Set(targets).size !== targets.length) return "a leaf weighs one target twice";
  }
  if (!leafWeight.every(Number.isFinite)) return "a leaf's weight is not finite";
  return undefined;
};

/** Why no kernel runs this ensemble: the end of a sentence that begins with "because"; undefined if one does. */
export const findRefusal = (ensemble: TreeEnsemble): string | undefined => {
  const { featureCount, width, trees, base } = ensemble;
  if (!(featureCount > 0 && featureCount <= limits.features))
    return `it has more than ${limits.features} features, or none`;
  if (!(width > 0 && width <= limits.width)) return `it has more than ${limits.width} targets, or none`;
  if (base.length !== width) return "it does not have one base value per target";
  if (!base.every(Number.isFinite)) return "a base value is not finite";
  if (!(trees.length > 0 && trees.length <= limits.trees))
    return `it has more than ${limits.trees} trees, or none`;
  const nodes = trees.reduce((sum, tree) => sum + tree.feature.length + tree.leafStart.length, 0);
  if (nodes > limits.nodes) return `it has more than ${limits.nodes} nodes`;
  const perLeaf = Math.max(
    1,
    ...trees.map((tree) => (tree.leafTarget.some((t) => t !== tree.leafTarget[0]) ? width : 1)),
  );
  if (nodes * perLeaf > limits.weights) return `its leaves have more than ${limits.weights} weights`;
  for (const tree of trees) {
    const refusal = findTreeRefusal(tree, ensemble);
    if (refusal) return refusal;
  }
  return undefined;
};
