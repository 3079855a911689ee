import { aggregates, bulkKernels, noTable, rowKernels } from "./kernel-numbers.ts";
import { type Layout, LayoutRefused, type SectionName, sectionSizes } from "./layout.ts";
import { numbersPerPiece } from "./leaf-numbers.ts";
import { selectsNothing } from "./write-masks.ts";
import { constantSlots, resultSlots, slotBytes } from "./write-pieces.ts";
import { neverAbove } from "./write-walk-nodes.ts";

const limits = { featureCount: 65_536, width: 1_024, treeCount: 100_000, columns: 65_536, steps: 24 };
const vectorBytes = 16;

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const requireThat = (holds: boolean, what: string): void => {
  if (!holds) throw new LayoutRefused(`The layout of the trees is damaged: ${what}.`);
};

/**
 * Checks every offset, index and number of a layout before the kernel reads it: no run of a layout that passes reads or writes
 * outside its own sections, and every run ends. Throws LayoutRefused.
 */
export const checkLayout = ({ numbers, sections }: Layout): void => {
  const count = (name: SectionName) => sections[name].length / sectionSizes[name];
  const isBetween = (value: number, least: number, most: number) => value >= least && value <= most;
  const columnCount = count("columns");
  const { featureCount, width, weightsPerLeaf, treeCount, blockRows, depth, rowBytes } = numbers;
  const row = rowKernels[numbers.rowKernel];
  const bulk = bulkKernels[numbers.bulkKernel];

  requireThat(isBetween(featureCount, 1, limits.featureCount), "number of features");
  requireThat(isBetween(width, 1, limits.width), "number of targets");
  requireThat(isBetween(treeCount, 1, limits.treeCount) && treeCount === count("trees"), "number of trees");
  requireThat(isBetween(columnCount, 0, limits.columns), "number of columns");
  requireThat(numbers.rankedFeatures === count("features"), "number of ranked features");
  requireThat(numbers.pieceCount === count("pieces"), "number of pieces");
  requireThat(aggregates[numbers.aggregate] !== undefined, "aggregate");
  requireThat(row !== undefined && bulk !== undefined, "kernels");
  requireThat(isBetween(numbers.bulkFrom, 1, 1_024), "rows of a block");
  requireThat([64, 128, 256, 512].includes(blockRows), "rows of a block");
  requireThat(numbers.wideNodes === 0 || numbers.wideNodes === 1, "width of nodes");
  const oneWeight = weightsPerLeaf === 1 && numbers.aggregate <= 1;
  requireThat(oneWeight || weightsPerLeaf === 4 * Math.ceil(width / 4), "weights of a leaf");
  const { oneTarget, opposite } = numbers;
  requireThat(opposite === 0 || (opposite === 1 && width === 2 && oneTarget === 1), "opposite targets");
  requireThat(oneTarget === 0 || (oneTarget === 1 && oneWeight), "one target");
  requireThat(rowBytes === vectorBytes * Math.max(1, Math.ceil(columnCount / vectorBytes)), "codes of a row");
  requireThat(count("base") === width, "number of base values");

  checkColumns({ sections, numbers }, columnCount);
  const leafRows = count("weights") / weightsPerLeaf;
  requireThat(Number.isInteger(leafRows), "number of weights");
  const checkTarget = (weights: number, target: number) => {
    requireThat(weights + numbersPerPiece <= leafRows, "weights");
    requireThat(target < width, "target");
  };
  const trees = viewOf(sections.trees);
  for (let t = 0; t < treeCount; t++)
    checkTarget(trees.getUint32(12 * t + 4, true), trees.getUint32(12 * t + 8, true));
  if (row === "walk" || bulk === "walk") checkNodes({ numbers, sections }, columnCount, leafRows);
  if (row !== "walk") checkMasks({ numbers, sections }, row === "masks");
  requireThat(depth <= 8 || row === "walk", "depth");

  const checkColumn = (offset: number) =>
    requireThat(offset % blockRows === 0 && offset / blockRows < columnCount, "column");
  if (bulk === "symmetric") {
    requireThat(count("symmetricTrees") === treeCount, "number of symmetric trees");
    const view = viewOf(sections.symmetricTrees);
    for (let start = 0; start < view.byteLength; start += sectionSizes.symmetricTrees) {
      const levels = view.getUint32(start, true);
      requireThat(levels <= 8, "depth");
      checkTarget(view.getUint32(start + 4, true), view.getUint32(start + 8, true));
      for (let level = 0; level < levels; level++) checkColumn(view.getUint32(start + 20 + 4 * level, true));
    }
  }
  if (bulk !== "slots") return;
  const isSlot = (offset: number, first: number) =>
    offset % slotBytes === 0 && isBetween(offset / slotBytes, first, constantSlots + resultSlots - 1);
  const records = viewOf(sections.records);
  for (let start = 0; start < records.byteLength; start += sectionSizes.records) {
    checkColumn(records.getUint32(start, true));
    requireThat(isSlot(records.getUint16(start + 4, true), 0), "slot");
    requireThat(isSlot(records.getUint16(start + 6, true), 0), "slot");
    requireThat(isSlot(records.getUint16(start + 8, true), constantSlots), "slot");
  }
  const pieces = viewOf(sections.pieces);
  for (let start = 0; start < pieces.byteLength; start += sectionSizes.pieces) {
    const [from, to] = [pieces.getUint32(start, true), pieces.getUint32(start + 4, true)];
    requireThat(from <= to && to <= count("records"), "records of a piece");
    requireThat(isSlot(pieces.getUint32(start + 8, true), 0), "slot");
    checkTarget(pieces.getUint32(start + 12, true), pieces.getUint32(start + 16, true));
  }
};

const checkColumns = ({ numbers, sections }: Layout, columnCount: number): void => {
  const features = viewOf(sections.features);
  const columns = viewOf(sections.columns);
  const cuts = sections.cuts.length / 4;
  let next = 0;
  for (let start = 0; start < features.byteLength; start += sectionSizes.features) {
    const [source, steps, firstCut, from, to] = [0, 4, 8, 12, 16].map((offset) =>
      features.getUint32(start + offset, true),
    ) as [number, number, number, number, number];
    requireThat(source < numbers.featureCount, "feature");
    requireThat(steps <= limits.steps && firstCut + 2 ** steps - 1 <= cuts, "cuts of a feature");
    requireThat(from === next && to > from && to <= columnCount, "columns of a feature");
    next = to;
    for (let column = from; column < to; column++) {
      const table = columns.getUint32(12 * column + 4, true);
      requireThat(table === noTable || table + 2 ** steps <= sections.tables.length, "table of a column");
      requireThat(columns.getUint32(12 * column, true) < 2 ** limits.steps, "base of a column");
      requireThat(
        [-128, 127].includes(columns.getInt32(12 * column + 8, true)),
        "missing values of a column",
      );
    }
  }
  requireThat(next === columnCount, "columns of a feature");
};

/** A walk ends because every child lies behind its parent, until a leaf, which is its own child. */
const checkNodes = ({ numbers, sections }: Layout, columnCount: number, leafRows: number): void => {
  const nodeBytes = numbers.wideNodes === 1 ? 8 : 4;
  const count = sections.nodes.length / nodeBytes;
  requireThat(Number.isInteger(count) && count === sections.leafNumbers.length / 4, "number of nodes");
  const nodes = viewOf(sections.nodes);
  const leafNumbers = viewOf(sections.leafNumbers);
  const trees = viewOf(sections.trees);
  const readNode = (index: number) =>
    numbers.wideNodes === 1
      ? {
          child: nodes.getUint32(8 * index, true),
          column: nodes.getUint16(8 * index + 4, true),
          threshold: nodes.getInt8(8 * index + 6),
        }
      : {
          threshold: nodes.getInt8(4 * index),
          column: nodes.getUint8(4 * index + 1),
          child: nodes.getUint16(4 * index + 2, true),
        };
  for (let t = 0; t < numbers.treeCount; t++) {
    const start = trees.getUint32(12 * t, true);
    const weights = trees.getUint32(12 * t + 4, true);
    const end = t + 1 < numbers.treeCount ? trees.getUint32(12 * t + 12, true) : count;
    requireThat(start < end && end <= count, "nodes of a tree");
    for (let index = start; index < end; index++) {
      const { child, column, threshold } = readNode(index);
      const place = index - start;
      const isLeaf = child === place && threshold === neverAbove;
      requireThat(isLeaf || (child > place && start + child + 1 < end), "child of a node");
      requireThat(column < Math.max(1, columnCount), "column");
      requireThat(weights + leafNumbers.getUint32(4 * index, true) < leafRows, "leaf of a node");
    }
  }
};

const checkMasks = ({ numbers, sections }: Layout, perTree: boolean): void => {
  const { depth, rowBytes, treeCount } = numbers;
  const groups = rowBytes / vectorBytes;
  requireThat(groups <= 4, "codes of a row");
  requireThat(perTree ? depth >= 4 && depth <= 6 : depth <= 8, "depth");
  const lanes = perTree ? treeCount * 2 ** (depth - 4) : Math.ceil(treeCount / 16) * depth;
  const size = vectorBytes * (groups + 1);
  requireThat(sections.masks.length === lanes * size, "number of masks");
  for (let start = 0; start < sections.masks.length; start += size)
    for (const index of sections.masks.subarray(start, start + size - vectorBytes))
      requireThat(index < vectorBytes || index === selectsNothing, "index of a mask");
};
