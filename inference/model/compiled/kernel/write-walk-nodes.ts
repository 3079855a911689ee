import type { ByteWriter } from "./byte-writer.ts";
import type { CodedTree } from "./coded-ensemble.ts";

/** A threshold that no code exceeds: a walk that has arrived at a leaf stays there. */
export const neverAbove = 127;
/** Codes and thresholds are kept as signed bytes. */
export const toSigned = (code: number): number => code - 128;

/**
 * Writes a tree's nodes, level by level, with the two children of a node beside each other, and for each node the number of its leaf
 * (0 for an inner node). Returns how many nodes the tree has.
 */
export const writeWalkNodes = (
  tree: CodedTree,
  numbers: Int32Array,
  {
    nodes,
    leafNumbers,
    wide,
  }: { readonly nodes: ByteWriter; readonly leafNumbers: ByteWriter; readonly wide: boolean },
): number => {
  const order = [tree.root];
  const write = (child: number, column: number, threshold: number) => {
    if (wide) {
      nodes.u32(child);
      nodes.u16(column);
      nodes.s8(threshold);
      nodes.u8(0);
    } else {
      nodes.s8(threshold);
      nodes.u8(column);
      nodes.u16(child);
    }
  };
  for (let place = 0; place < order.length; place++) {
    const node = order[place] ?? -1;
    if (node < 0) write(place, 0, neverAbove);
    else {
      write(order.length, tree.column[node] ?? 0, toSigned(tree.threshold[node] ?? 0));
      order.push(tree.below[node] ?? -1, tree.above[node] ?? -1);
    }
    leafNumbers.u32(node < 0 ? (numbers[~node] ?? 0) : 0);
  }
  return order.length;
};
