import type { ByteWriter } from "./byte-writer.ts";
import type { CodedTree } from "./coded-ensemble.ts";
import { leavesPerPiece, listLeaves, numbersPerPiece } from "./leaf-numbers.ts";
import { toSigned } from "./write-walk-nodes.ts";

/** Bytes of a slot: one for each of 64 rows. */
export const slotBytes = 64;
/** The first slots are constants: slot i holds i for every row. The others hold results. */
export const constantSlots = 256;
export const resultSlots = 16;

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
 * Writes the programs that compute a tree's leaf for many rows: one for every 255 leaves, in which the leaves of the
 * others are one number. A record chooses between the leaf numbers of two children, so children come first; the child that needs more slots
 * comes before its sibling, which keeps the number of slots at the logarithm of the leaves (Sethi and Ullman, J. ACM
 * 1970;17(4):715).
 */
export const writePieces = (tree: CodedTree, needs: Needs): void => {
  const { records, pieces, blockRows, numbers, weights, target } = needs;
  const { first, behind } = findLeafRanges(tree);
  for (let from = 0; from < tree.leafCount; from += leavesPerPiece) {
    const piece = from / leavesPerPiece;
    const isElsewhere = (child: number) => first(child) >= from + leavesPerPiece || behind(child) <= from;
    const isNode = (child: number) => child >= 0 && !isElsewhere(child);
    const nodes: number[] = [];
    const open = [tree.root];
    for (let child = open.pop(); child !== undefined; child = open.pop())
      if (isNode(child)) {
        nodes.push(child);
        open.push(tree.below[child] ?? -1, tree.above[child] ?? -1);
      }
    const slotsNeeded = new Map<number, number>();
    const need = (child: number) => slotsNeeded.get(child) ?? 0;
    for (const node of nodes.toReversed()) {
      const [below, above] = [need(tree.below[node] ?? -1), need(tree.above[node] ?? -1)];
      slotsNeeded.set(node, below === above ? below + 1 : Math.max(below, above));
    }
    const locate = (child: number, slot: number): number => {
      if (isNode(child)) return (constantSlots + slot) * slotBytes;
      if (isElsewhere(child)) return leavesPerPiece * slotBytes;
      return ((numbers[~child] ?? 0) - piece * numbersPerPiece) * slotBytes;
    };
    const program: { node: number; slot: number; belowSlot: number; aboveSlot: number }[] = [];
    const pending = isNode(tree.root) ? [{ node: tree.root, slot: 0 }] : [];
    for (let next = pending.pop(); next; next = pending.pop()) {
      const { node, slot } = next;
      const below = tree.below[node] ?? -1;
      const above = tree.above[node] ?? -1;
      const belowFirst = need(below) >= need(above);
      const [early, late] = belowFirst ? [below, above] : [above, below];
      const lateSlot = isNode(early) ? slot + 1 : slot;
      program.push({
        node,
        slot,
        belowSlot: belowFirst ? slot : lateSlot,
        aboveSlot: belowFirst ? lateSlot : slot,
      });
      if (isNode(early)) pending.push({ node: early, slot });
      if (isNode(late)) pending.push({ node: late, slot: lateSlot });
    }
    const start = records.length() / 12;
    for (const { node, slot, belowSlot, aboveSlot } of program.toReversed()) {
      if (slot >= resultSlots) throw new Error("A piece needs more slots than the kernel has.");
      records.u32((tree.column[node] ?? 0) * blockRows);
      records.u16(locate(tree.below[node] ?? -1, belowSlot));
      records.u16(locate(tree.above[node] ?? -1, aboveSlot));
      records.u16((constantSlots + slot) * slotBytes);
      records.s8(toSigned(tree.threshold[node] ?? 0));
      records.u8(0);
    }
    pieces.u32(start);
    pieces.u32(start + program.length);
    pieces.u32(locate(tree.root, 0));
    pieces.u32(weights + piece * numbersPerPiece);
    pieces.u32(target);
  }
};
