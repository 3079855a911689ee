import {
  aggregates,
  bulkKernels,
  constantSlots,
  noTable,
  resultSlots,
  rowKernels,
  slotBytes,
} from "./kernel-numbers.ts";
import { type Layout, LayoutRefused, type SectionName, sectionSizes } from "./layout.ts";
import { numbersPerPiece } from "./leaf-numbers.ts";

const limits = {
  featureCount: 65_536,
  width: 1_024,
  treeCount: 100_000,
  columns: 65_536,
  steps: 24,
  bulkFrom: 1_024,
};
const vectorBytes = 16;
const maxSymmetricDepth = 8;

const requireThat = (holds: boolean, what: string): void => {
  if (!holds) throw new LayoutRefused(`The layout of the trees is damaged: ${what}.`);
};

const isBetween = (value: number, least: number, most: number) => value >= least && value <= most;

/** A section as 32-bit words. */
const readWords = (section: Uint8Array): Uint32Array =>
  new Uint32Array(section.buffer, section.byteOffset, section.byteLength / 4);

const countElements = ({ sections }: Layout, name: SectionName): number =>
  sections[name].length / sectionSizes[name];

/**
 * Checks the numbers of a layout and every section that has no element per node; the kernel's own `holds` checks the others, and
 * relies on this. No run of a layout that passes both reads or writes outside its own sections, and every run ends. Throws LayoutRefused.
 * @param layout sections that begin at multiples of 4 bytes
 */
export const checkLayout = (layout: Layout): void => {
  const { numbers } = layout;
  const count = (name: SectionName) => countElements(layout, name);
  const columnCount = count("columns");
  const { featureCount, width, weightsPerLeaf, treeCount, oneTarget, opposite } = numbers;
  const row = rowKernels[numbers.rowKernel];
  const bulk = bulkKernels[numbers.bulkKernel];

  requireThat(isBetween(featureCount, 1, limits.featureCount), "number of features");
  requireThat(isBetween(width, 1, limits.width), "number of targets");
  requireThat(isBetween(treeCount, 1, limits.treeCount) && treeCount === count("trees"), "number of trees");
  requireThat(columnCount <= limits.columns, "number of columns");
  requireThat(numbers.rankedFeatures === count("features"), "number of ranked features");
  requireThat(numbers.pieceCount === count("pieces"), "number of pieces");
  requireThat(aggregates[numbers.aggregate] !== undefined, "aggregate");
  requireThat(row !== undefined && bulk !== undefined, "kernels");
  requireThat(isBetween(numbers.bulkFrom, 1, limits.bulkFrom), "rows of a block");
  requireThat([64, 128, 256, 512].includes(numbers.blockRows), "rows of a block");
  requireThat(numbers.wideNodes <= 1, "width of nodes");
  const oneWeight = weightsPerLeaf === 1 && numbers.aggregate <= 1;
  requireThat(oneWeight || weightsPerLeaf === 4 * Math.ceil(width / 4), "weights of a leaf");
  requireThat(oneTarget === 0 || (oneTarget === 1 && oneWeight), "one target");
  requireThat(opposite === 0 || (opposite === 1 && width === 2 && oneTarget === 1), "opposite targets");
  const rowBytes = vectorBytes * Math.max(1, Math.ceil(columnCount / vectorBytes));
  requireThat(numbers.rowBytes === rowBytes, "codes of a row");
  requireThat(count("base") === width, "number of base values");
  const leaves = count("weights") / weightsPerLeaf;
  requireThat(Number.isInteger(leaves), "number of weights");

  checkColumns(layout);
  checkTrees(layout, leaves);
  if (row === "walk" || bulk === "walk")
    requireThat(
      count("nodes") === count("leafNumbers") * (numbers.wideNodes === 1 ? 2 : 1),
      "number of nodes",
    );
  if (row === "masks" || row === "symmetric") checkMasks(layout, row);
  if (bulk === "symmetric") checkSymmetricTrees(layout, leaves);
  if (bulk === "slots") checkPieces(layout, leaves);
};

const checkColumns = (layout: Layout): void => {
  const { numbers, sections } = layout;
  const columnCount = countElements(layout, "columns");
  const cuts = countElements(layout, "cuts");
  const features = readWords(sections.features);
  const columns = readWords(sections.columns);
  let next = 0;
  for (let at = 0; at < features.length; at += 5) {
    const [source = 0, steps = 0, firstCut = 0, from = 0, to = 0] = features.subarray(at, at + 5);
    requireThat(source < numbers.featureCount, "feature");
    requireThat(steps <= limits.steps && firstCut + 2 ** steps - 1 <= cuts, "cuts of a feature");
    requireThat(from === next && to > from && to <= columnCount, "columns of a feature");
    next = to;
    for (let column = from; column < to; column++) {
      const [base = 0, table = 0, missing = 0] = columns.subarray(3 * column, 3 * column + 3);
      requireThat(base < 2 ** limits.steps, "base of a column");
      requireThat(table === noTable || table + 2 ** steps <= sections.tables.length, "table of a column");
      requireThat([-128, 127].includes(missing | 0), "missing values of a column");
    }
  }
  requireThat(next === columnCount, "columns of a feature");
};

/** Whatever byte a leaf's number is, its weights exist. */
const checkWeights = (weights: number, target: number, layout: Layout, leaves: number): void => {
  requireThat(weights + numbersPerPiece <= leaves, "weights");
  requireThat(target < layout.numbers.width, "target");
};

const checkTrees = (layout: Layout, leaves: number): void => {
  const trees = readWords(layout.sections.trees);
  for (let at = 0; at < trees.length; at += 3)
    checkWeights(trees[at + 1] ?? 0, trees[at + 2] ?? 0, layout, leaves);
};

const checkMasks = ({ numbers, sections }: Layout, row: "masks" | "symmetric"): void => {
  const { depth, rowBytes, treeCount } = numbers;
  const groups = rowBytes / vectorBytes;
  requireThat(groups <= 4, "codes of a row");
  requireThat(row === "masks" ? isBetween(depth, 4, 6) : depth <= maxSymmetricDepth, "depth");
  const questions = row === "masks" ? treeCount * 2 ** (depth - 4) : Math.ceil(treeCount / 16) * depth;
  requireThat(sections.masks.length === questions * (groups + 1) * vectorBytes, "number of masks");
};

const checkSymmetricTrees = (layout: Layout, leaves: number): void => {
  const { numbers, sections } = layout;
  const trees = readWords(sections.symmetricTrees);
  const words = sectionSizes.symmetricTrees / 4;
  requireThat(trees.length === numbers.treeCount * words, "number of symmetric trees");
  const end = countElements(layout, "columns") * numbers.blockRows;
  for (let at = 0; at < trees.length; at += words) {
    const levels = trees[at] ?? 0;
    requireThat(levels <= maxSymmetricDepth, "depth");
    checkWeights(trees[at + 1] ?? 0, trees[at + 2] ?? 0, layout, leaves);
    const columns = trees.subarray(at + 5, at + 5 + levels);
    requireThat(
      columns.every((offset) => offset + numbers.blockRows <= end),
      "column",
    );
  }
};

const checkPieces = (layout: Layout, leaves: number): void => {
  const { sections } = layout;
  const isSlot = (offset: number) =>
    offset % slotBytes === 0 && offset < (constantSlots + resultSlots) * slotBytes;
  const recordCount = countElements(layout, "records");
  const pieces = readWords(sections.pieces);
  for (let at = 0; at < pieces.length; at += 5) {
    const [from = 0, to = 0, result = 0, weights = 0, target = 0] = pieces.subarray(at, at + 5);
    requireThat(from <= to && to <= recordCount, "records of a piece");
    requireThat(isSlot(result), "slot");
    checkWeights(weights, target, layout, leaves);
  }
};
