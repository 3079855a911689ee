import type { TreeEnsemble } from "../tree-ensemble.ts";

/** Highest code of a column, and so the number of cuts that one column can tell apart. */
export const cutsPerColumn = 255;

/**
 * One byte per row, made of a feature's rank: the number of the feature's cuts that the value reaches. `base` and up to 255 cuts
 * above it, or a byte of `table` for each rank. A value that is not a number gets 255 where `missingAbove`, else 0.
 */
export type Column = {
  readonly base: number;
  readonly table: Uint8Array | undefined;
  readonly missingAbove: boolean;
};

/** A feature that some node reads; its columns are numbered one after the other from `firstColumn` on. */
export type RankedFeature = {
  readonly source: number;
  /** Ascending; NaN, which no value reaches, is last. */
  readonly cuts: Float32Array;
  readonly firstColumn: number;
  readonly columns: readonly Column[];
};

/** A tree whose nodes ask `code of the column > threshold`: child `above` if so, else `below` (numbered as in `Tree`). */
export type CodedTree = {
  readonly root: number;
  readonly column: Int32Array;
  readonly threshold: Uint8Array;
  readonly below: Int32Array;
  readonly above: Int32Array;
  readonly leafCount: number;
};

export type CodedEnsemble = {
  readonly source: TreeEnsemble;
  readonly features: readonly RankedFeature[];
  readonly columnCount: number;
  readonly trees: readonly CodedTree[];
};
