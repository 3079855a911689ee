import type { CodedTree } from "./coded-ensemble.ts";
import type { SymmetricLevels } from "./find-symmetric-levels.ts";
import { neverAbove, toSigned } from "./write-walk-nodes.ts";

const lanes = 16;
/** An index that selects 0 on every machine. */
const selectsNothing = 0x80;

/**
 * Sixteen comparisons: `groups` vectors of indices into a row's codes, of which at most one selects a code in each lane, then
 * a vector of thresholds. A lane that asks nothing is never above.
 */
const createLanes = (groups: number) => {
  const bytes = new Uint8Array(lanes * (groups + 1)).fill(selectsNothing);
  bytes.fill(neverAbove, lanes * groups);
  return {
    bytes,
    ask: (lane: number, column: number, threshold: number) => {
      bytes[lanes * Math.floor(column / lanes) + lane] = column % lanes;
      bytes[lanes * groups + lane] = toSigned(threshold);
    },
  };
};

/** The nodes of a tree, padded to the complete tree of this depth, in the order of a heap (children of i: 2i + 1, 2i + 2). */
export const writeTreeMasks = (tree: CodedTree, depth: number, groups: number): readonly Uint8Array[] => {
  const vectors = Array.from({ length: 2 ** Math.max(0, depth - 4) }, () => createLanes(groups));
  const open: [child: number, heap: number][] = [[tree.root, 0]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [node, heap] = next;
    if (node < 0) continue;
    vectors[Math.floor(heap / lanes)]?.ask(heap % lanes, tree.column[node] ?? 0, tree.threshold[node] ?? 0);
    open.push([tree.below[node] ?? -1, 2 * heap + 1], [tree.above[node] ?? -1, 2 * heap + 2]);
  }
  return vectors.map(({ bytes }) => bytes);
};

/** Sixteen symmetric trees, level by level. A tree that is less deep asks nothing in the first levels. */
export const writeSymmetricMasks = (
  trees: readonly SymmetricLevels[],
  depth: number,
  groups: number,
): readonly Uint8Array[] => {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < trees.length; start += lanes)
    for (let level = 0; level < depth; level++) {
      const { bytes, ask } = createLanes(groups);
      for (const [lane, levels] of trees.slice(start, start + lanes).entries()) {
        const question = levels[level - (depth - levels.length)];
        if (question) ask(lane, question.column, question.threshold);
      }
      parts.push(bytes);
    }
  return parts;
};
