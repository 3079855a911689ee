import { nodeModes, type Tree, type TreeEnsemble } from "#inference/model/compiled/tree-ensemble.ts";

/** Whether a value goes to the "yes" child of a node, by the text of ONNX's operator. */
const isYes = (tree: Tree, node: number, value: number): boolean => {
  if (Number.isNaN(value) && tree.missingIsYes[node] === 1) return true;
  const threshold = tree.threshold[node] ?? 0;
  const mode = nodeModes[tree.mode[node] ?? 0] ?? "<=";
  switch (mode) {
    case "<=":
      return value <= threshold;
    case "<":
      return value < threshold;
    case ">=":
      return value >= threshold;
    case ">":
      return value > threshold;
    case "==":
      return value === threshold;
    case "!=":
      return value !== threshold;
    case "member":
      return tree.sets[threshold]?.some((member) => member === value) === true;
    default:
      return mode satisfies never;
  }
};

const findLeaf = (tree: Tree, row: ArrayLike<number>): number => {
  let child = tree.root;
  while (child >= 0)
    child = (isYes(tree, child, row[tree.feature[child] ?? 0] ?? 0) ? tree.yes[child] : tree.no[child]) ?? -1;
  return ~child;
};

/**
 * The numbers of one row, in plain steps: what the kernel is compared with. 32-bit floats, tree after tree, as onnxruntime
 * adds them on one thread.
 */
export const evaluateEnsemble = (ensemble: TreeEnsemble, row: ArrayLike<number>): Float32Array => {
  const { aggregate, base, trees, width } = ensemble;
  const scores: (number | undefined)[] = Array.from({ length: width });
  const combine = (score: number | undefined, weight: number): number => {
    if (aggregate === "minimum") return score === undefined ? weight : Math.min(score, weight);
    if (aggregate === "maximum") return score === undefined ? weight : Math.max(score, weight);
    return Math.fround((score ?? 0) + weight);
  };
  for (const tree of trees) {
    const leaf = findLeaf(tree, row);
    for (let k = tree.leafStart[leaf] ?? 0; k < (tree.leafStart[leaf + 1] ?? 0); k++) {
      const target = tree.leafTarget[k] ?? 0;
      scores[target] = combine(scores[target], tree.leafWeight[k] ?? 0);
    }
  }
  return Float32Array.from(scores, (score = 0, target) => {
    const value = aggregate === "average" ? Math.fround(score / trees.length) : score;
    return value + (base[target] ?? 0);
  });
};
