import { NotCompiled } from "./not-compiled.ts";
import { nodeModes, type Tree } from "./tree-ensemble.ts";

/** Whether a question and the one on its `no` side ask the same feature for equal values. */
const hasChain = ({ feature, mode, no }: Tree): boolean => {
  const isEqual = (node: number): boolean => {
    const name = nodeModes[mode[node] ?? 0];
    return name === "==" || name === "member";
  };
  for (let node = 0; node < feature.length; node++) {
    const next = no[node] ?? -1;
    if (next >= 0 && isEqual(node) && isEqual(next) && feature[next] === feature[node]) return true;
  }
  return false;
};

/** Whether each leaf has one weight, all for one target. */
const hasOneTarget = ({ leafStart, leafTarget }: Tree): boolean =>
  leafTarget.length === leafStart.length - 1 && leafTarget.every((target) => target === leafTarget[0]);

/**
 * Refuses trees that onnxruntime 1.30 reads in another way than they say: it joins "==" questions in a row whose `yes` sides
 * look equal to it. It compares only the first weight of their leaves; and where there are several targets, it gives the
 * weights of the leaf that it drops to the first node of the ensemble too, if that is a leaf.
 */
export const assertPlainChains = (trees: readonly Tree[], width: number, operator: string): void => {
  const [first] = trees;
  const givesAway = width > 1 && first !== undefined && first.root < 0;
  for (const tree of trees)
    if (hasChain(tree) && (givesAway || !hasOneTarget(tree)))
      throw new NotCompiled(
        `${operator} compares a feature with several values in a row, to leaves of several targets`,
      );
};
