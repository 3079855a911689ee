import type { CodedTree } from "./coded-ensemble.ts";

/** What each level of a symmetric tree asks, the root's first. */
export type SymmetricLevels = readonly { readonly column: number; readonly threshold: number }[];

/** The answers of a level are one bit of a leaf's number, which is a byte. */
const maxDepth = 8;

/**
 * The levels of a tree in which all nodes of a level ask the same and all leaves are equally deep, as CatBoost grows them;
 * undefined for another tree.
 */
export const findSymmetricLevels = (tree: CodedTree): SymmetricLevels | undefined => {
  const levels: { column: number; threshold: number }[] = [];
  let children = [tree.root];
  while (children.some((child) => child >= 0)) {
    const first = children[0] ?? -1;
    const column = tree.column[first];
    const threshold = tree.threshold[first];
    const alike = (child: number) => tree.column[child] === column && tree.threshold[child] === threshold;
    if (
      column === undefined ||
      threshold === undefined ||
      !children.every(alike) ||
      levels.length === maxDepth
    )
      return undefined;
    levels.push({ column, threshold });
    children = children.flatMap((child) => [tree.below[child] ?? -1, tree.above[child] ?? -1]);
  }
  return levels;
};
