import type { TreeEnsemble } from "../tree-ensemble.ts";
import { codeEnsemble } from "./code-ensemble.ts";
import type { CodedEnsemble, CodedTree } from "./coded-ensemble.ts";
import { findRefusal } from "./find-refusal.ts";
import { findSymmetricLevels, type SymmetricLevels } from "./find-symmetric-levels.ts";
import { leavesPerPiece } from "./leaf-numbers.ts";

/** How single rows are run, and how blocks of rows are; `docs/decisions/51` describes each. */
export type Kernels = {
  readonly row: "masks" | "symmetric" | "walk";
  readonly bulk: "slots" | "symmetric" | "walk";
  /** Fewer rows go to the row kernel, one after the other. */
  readonly bulkFrom: number;
  /** Rows of a block. */
  readonly blockRows: number;
  /** Depth of the deepest tree; for masks at least 4, the depth to which all trees are padded. */
  readonly depth: number;
  readonly symmetricTrees: readonly SymmetricLevels[] | undefined;
};

export type KernelChoice =
  | { readonly status: "chosen"; readonly kernels: Kernels }
  /** `reason` ends a sentence that begins with "because". */
  | { readonly status: "refused"; readonly reason: string };

/** Columns that one row's codes may have to be looked up by a swizzle of 16 bytes, four times. */
const maxSwizzledColumns = 64;
/** A mask of 64 bits has one for each node of a tree of this depth. */
const maxMaskDepth = 6;
const minMaskDepth = 4;
/** A walk's node has 16 bits for its column. */
const maxColumns = 65_536;
/**
 * Bytes that the codes of a block may take, so that they stay in the second cache. A walk reads few of them, but each of its nodes
 * once for every block.
 */
const maxBlockBytes = { slots: 131_072, symmetric: 131_072, walk: 1_048_576 };
const blockSizes = [512, 256, 128, 64] as const;
/** A block costs as much as 16 rows even if it has fewer: below, rows are run one by one. Walks of a block take eight rows. */
const bulkFrom = { slots: 8, symmetric: 8, walk: 4 };

/** Depth of a tree, and the sum of the depths of its leaves. */
const measureDepth = (tree: CodedTree): { readonly deepest: number; readonly sum: number } => {
  let deepest = 0;
  let sum = 0;
  const open: [child: number, depth: number][] = [[tree.root, 0]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [child, depth] = next;
    if (child < 0) {
      deepest = Math.max(deepest, depth);
      sum += depth;
    } else open.push([tree.below[child] ?? -1, depth + 1], [tree.above[child] ?? -1, depth + 1]);
  }
  return { deepest, sum };
};

/**
 * Nanoseconds per row on one core of 2026, measured; only their ratios count. Slots evaluate every node of a tree for 64 rows at
 * once, a walk only those on the row's path: deep trees of thousands of leaves are walked.
 */
const cost = { record: 0.06, piece: 0.8, walkStep: 10 };

const isSlotProgramFaster = (trees: readonly CodedTree[], steps: readonly number[]): boolean => {
  let slots = 0;
  let walk = 0;
  for (const [t, tree] of trees.entries()) {
    const pieces = Math.ceil(tree.leafCount / leavesPerPiece);
    slots += cost.record * tree.column.length + cost.piece * pieces;
    walk += cost.walkStep * (steps[t] ?? 0);
  }
  return slots <= walk;
};

/** The static rules, for an ensemble whose codes are known. They depend on shapes alone, never on a timing. */
export const chooseForCodes = ({ columnCount, trees }: CodedEnsemble): KernelChoice => {
  if (columnCount > maxColumns)
    return {
      status: "refused",
      reason: `its nodes ask more than ${maxColumns} different kinds of questions`,
    };
  const depths = trees.map(measureDepth);
  const deepest = Math.max(...depths.map((depth) => depth.deepest));
  const levels = trees.map(findSymmetricLevels);
  const symmetricTrees = levels.every((level) => level !== undefined) ? levels : undefined;
  const swizzled = columnCount <= maxSwizzledColumns;
  const row = !swizzled ? "walk" : symmetricTrees ? "symmetric" : deepest <= maxMaskDepth ? "masks" : "walk";
  const averages = depths.map(({ sum }, t) => sum / (trees[t]?.leafCount ?? 1));
  const bulk = symmetricTrees ? "symmetric" : isSlotProgramFaster(trees, averages) ? "slots" : "walk";
  return {
    status: "chosen",
    kernels: {
      row,
      bulk,
      bulkFrom: bulkFrom[bulk],
      blockRows: blockSizes.find((rows) => rows * columnCount <= maxBlockBytes[bulk]) ?? 64,
      depth: row === "masks" ? Math.max(minMaskDepth, deepest) : deepest,
      symmetricTrees,
    },
  };
};

/** Says which kernels run an ensemble, by static rules on its shape, or why none does. */
export const chooseKernels = (ensemble: TreeEnsemble): KernelChoice => {
  const reason = findRefusal(ensemble);
  return reason === undefined ? chooseForCodes(codeEnsemble(ensemble)) : { status: "refused", reason };
};
