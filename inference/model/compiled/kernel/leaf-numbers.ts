import type { CodedTree } from "./coded-ensemble.ts";

/** Leaves of one piece: a byte numbers them, and the last number means "in another piece". */
export const leavesPerPiece = 255;
export const numbersPerPiece = leavesPerPiece + 1;

/** The leaves of a tree from left ("below") to right ("above"), as indices of leaves. */
export const listLeaves = (tree: CodedTree): readonly number[] => {
  const leaves: number[] = [];
  const open = [tree.root];
  for (let child = open.pop(); child !== undefined; child = open.pop())
    if (child < 0) leaves.push(~child);
    else open.push(tree.above[child] ?? -1, tree.below[child] ?? -1);
  return leaves;
};

/** Numbers from left to right, in pieces; the last number of each piece belongs to no leaf. */
export const numberByOrder = (tree: CodedTree): Int32Array => {
  const numbers = new Int32Array(tree.leafCount);
  for (const [place, leaf] of listLeaves(tree).entries())
    numbers[leaf] = Math.floor(place / leavesPerPiece) * numbersPerPiece + (place % leavesPerPiece);
  return numbers;
};

/** A leaf's place among the leaves of the complete tree of this depth: its path as bits; of a higher leaf the leftmost place below it. */
export const numberByPath = (tree: CodedTree, depth: number): Int32Array => {
  const numbers = new Int32Array(tree.leafCount);
  const open: [child: number, path: number, remaining: number][] = [[tree.root, 0, depth]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [child, path, remaining] = next;
    if (child < 0) numbers[~child] = path << remaining;
    else
      open.push(
        [tree.below[child] ?? -1, 2 * path, remaining - 1],
        [tree.above[child] ?? -1, 2 * path + 1, remaining - 1],
      );
  }
  return numbers;
};
