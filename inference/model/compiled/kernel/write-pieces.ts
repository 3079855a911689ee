import type { ByteWriter } from "./byte-writer.ts";
import type { CodedTree } from "./coded-ensemble.ts";
import { constantSlots, resultSlots, slotBytes } from "./kernel-numbers.ts";
import { sectionSizes } from "./layout.ts";
import { leavesPerPiece, listLeaves, numbersPerPiece } from "./leaf-numbers.ts";
import { scheduleNodes } from "./schedule-nodes.ts";
import { toSigned } from "./write-walk-nodes.ts";

/** For each inner node the first place of its leaves from left to right, and the place behind its last. */
const findLeafRanges = (tree: CodedTree) => {
  const from = new Int32Array(tree.column.length);
  const to = new Int32Array(tree.column.length);
  const places = new Int32Array(tree.leafCount);
  for (const [place, leaf] of listLeaves(tree).entries()) places[leaf] = place;
  const order: number[] = [];
  const open = [tree.root];
  for (let child = open.pop(); child !== undefined; child = open.pop())
    if (child >= 0) {
      order.push(child);
      open.push(tree.below[child] ?? -1, tree.above[child] ?? -1);
    }
  const first = (child: number) => (child < 0 ? (places[~child] ?? 0) : (from[child] ?? 0));
  const behind = (child: number) => (child < 0 ? (places[~child] ?? 0) + 1 : (to[child] ?? 0));
  for (const node of order.toReversed()) {
    from[node] = first(tree.below[node] ?? -1);
    to[node] = behind(tree.above[node] ?? -1);
  }
  return { first, behind };
};

type Needs = {
  readonly records: ByteWriter;
  readonly pieces: ByteWriter;
  readonly blockRows: number;
  readonly numbers: Int32Array;
  readonly weights: number;
  readonly target: number;
};

/**
 * Writes the programs that compute a tree's leaf for many rows: one for every 255 leaves, in which the leaves of the others are one
 * number. A record chooses between the leaf numbers of two children.
 */
export const writePieces = (tree: CodedTree, needs: Needs): void => {
  const { records, pieces, blockRows, numbers, weights, target } = needs;
  const { first, behind } = findLeafRanges(tree);
  for (let from = 0; from < tree.leafCount; from += leavesPerPiece) {
    const piece = from / leavesPerPiece;
    const isElsewhere = (child: number) => first(child) >= from + leavesPerPiece || behind(child) <= from;
    const isNode = (child: number) => child >= 0 && !isElsewhere(child);
    const schedule = scheduleNodes(tree, isNode, resultSlots);
    const slots = new Map(schedule.map(({ node, slot }) => [node, slot]));
    const locate = (child: number): number => {
      if (isNode(child)) return (constantSlots + (slots.get(child) ?? 0)) * slotBytes;
      if (isElsewhere(child)) return leavesPerPiece * slotBytes;
      return ((numbers[~child] ?? 0) - piece * numbersPerPiece) * slotBytes;
    };
    const start = records.length() / sectionSizes.records;
    for (const { node } of schedule) {
      records.u32((tree.column[node] ?? 0) * blockRows);
      records.u16(locate(tree.below[node] ?? -1));
      records.u16(locate(tree.above[node] ?? -1));
      records.u16(locate(node));
      records.s8(toSigned(tree.threshold[node] ?? 0));
      records.u8(0);
    }
    pieces.u32(start);
    pieces.u32(start + schedule.length);
    pieces.u32(locate(tree.root));
    pieces.u32(weights + piece * numbersPerPiece);
    pieces.u32(target);
  }
};
