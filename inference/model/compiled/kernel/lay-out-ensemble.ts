import type { Tree, TreeEnsemble } from "../tree-ensemble.ts";
import { createByteWriter } from "./byte-writer.ts";
import { chooseForCodes, type Kernels } from "./choose-kernels.ts";
import { codeEnsemble, countSteps } from "./code-ensemble.ts";
import type { CodedEnsemble, CodedTree, Column } from "./coded-ensemble.ts";
import { findRefusal } from "./find-refusal.ts";
import { aggregates, bulkKernels, noTable, rowKernels } from "./kernel-numbers.ts";
import { sectionSizes, writeLayout } from "./layout.ts";
import { numberByOrder, numberByPath, numbersPerPiece } from "./leaf-numbers.ts";
import { writeSymmetricMasks, writeTreeMasks } from "./write-masks.ts";
import { writePieces } from "./write-pieces.ts";
import { toSigned, writeWalkNodes } from "./write-walk-nodes.ts";

/** No kernel runs this ensemble; `chooseKernels` gives the reason first. */
export class EnsembleRefused extends Error {
  override readonly name = "EnsembleRefused";
}

const vectorBytes = 16;

const writeColumns = ({ features }: CodedEnsemble) => {
  const sections = {
    features: createByteWriter(),
    cuts: createByteWriter(),
    columns: createByteWriter(),
    tables: createByteWriter(),
  };
  const writeColumn = ({ base, table, missingAbove }: Column, ranks: number) => {
    sections.columns.u32(base);
    sections.columns.u32(table ? sections.tables.length() : noTable);
    sections.columns.s32(toSigned(missingAbove ? 255 : 0));
    if (!table) return;
    sections.tables.append(table);
    sections.tables.append(new Uint8Array(ranks - table.length));
  };
  for (const { source, cuts, firstColumn, columns } of features) {
    const steps = countSteps(cuts.length);
    sections.features.u32(source);
    sections.features.u32(steps);
    sections.features.u32(sections.cuts.length() / 4);
    sections.features.u32(firstColumn);
    sections.features.u32(firstColumn + columns.length);
    for (let index = 0; index < 2 ** steps - 1; index++) sections.cuts.f32(cuts[index] ?? Number.NaN);
    for (const column of columns) writeColumn(column, 2 ** steps);
  }
  return sections;
};

/** Whether each tree weighs one target only. */
const haveOneTarget = ({ trees }: TreeEnsemble): boolean =>
  trees.every(({ leafTarget }) => leafTarget.every((target) => target === leafTarget[0]));

/**
 * Whether every leaf weighs two targets, the first with the negative of the second's weight, as CatBoost writes two classes: then
 * the sums are opposite too, to the last bit.
 */
const haveOppositeTargets = ({ aggregate, trees, width }: TreeEnsemble): boolean =>
  width === 2 &&
  (aggregate === "sum" || aggregate === "average") &&
  trees.every(({ leafStart, leafTarget, leafWeight }) =>
    leafStart.every((start, leaf) => {
      const end = leafStart[leaf + 1] ?? start;
      return (
        end === start ||
        (end === start + 2 &&
          (leafTarget[start] ?? 0) + (leafTarget[start + 1] ?? 0) === 1 &&
          (leafWeight[start] ?? 0) === -(leafWeight[start + 1] ?? 0))
      );
    }),
  );

/** The ensemble without its first target. */
const dropFirstTarget = (ensemble: TreeEnsemble): TreeEnsemble => ({
  ...ensemble,
  trees: ensemble.trees.map((tree) => {
    const kept = tree.leafTarget.map((target) => Number(target === 1));
    const before = new Int32Array(kept.length + 1);
    for (const [k, keep] of kept.entries()) before[k + 1] = (before[k] ?? 0) + keep;
    return {
      ...tree,
      leafStart: tree.leafStart.map((start) => before[start] ?? 0),
      leafTarget: tree.leafTarget.filter((_, k) => kept[k] === 1),
      leafWeight: tree.leafWeight.filter((_, k) => kept[k] === 1),
    };
  }),
});

const numberLeaves = (tree: CodedTree, kernels: Kernels, t: number): Int32Array => {
  if (kernels.symmetricTrees) return numberByPath(tree, kernels.symmetricTrees[t]?.length ?? 0);
  if (kernels.row === "masks") return numberByPath(tree, kernels.depth);
  return numberByOrder(tree);
};

/** A table of a tree's weights, `weightsPerLeaf` for each number of a leaf; `empty` where a leaf has no weight for a target. */
const tabulateWeights = (
  tree: Tree,
  numbers: Int32Array,
  { weightsPerLeaf, empty }: { readonly weightsPerLeaf: number; readonly empty: number },
): Float32Array => {
  const highest = numbers.reduce((max, number) => Math.max(max, number), 0);
  const rows =
    highest < numbersPerPiece ? highest + 1 : numbersPerPiece * Math.ceil((highest + 1) / numbersPerPiece);
  const table = new Float32Array(rows * weightsPerLeaf).fill(empty);
  for (const [leaf, number] of numbers.entries())
    for (let k = tree.leafStart[leaf] ?? 0; k < (tree.leafStart[leaf + 1] ?? 0); k++)
      table[number * weightsPerLeaf + (weightsPerLeaf === 1 ? 0 : (tree.leafTarget[k] ?? 0))] =
        tree.leafWeight[k] ?? 0;
  return table;
};

const toBytes = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/**
 * Lays an ensemble out for the kernel: bytes that depend on nothing but the ensemble, for `openEnsemble`. Which kernels run it,
 * and from how many rows on, is decided here by static rules (choose-kernels.ts). Throws EnsembleRefused.
 */
export const layOutEnsemble = (given: TreeEnsemble): Uint8Array => {
  const refusal = findRefusal(given);
  if (refusal !== undefined) throw new EnsembleRefused(`No kernel runs this ensemble because ${refusal}.`);
  const opposite = haveOppositeTargets(given);
  const ensemble = opposite ? dropFirstTarget(given) : given;
  const coded = codeEnsemble(ensemble);
  const choice = chooseForCodes(coded);
  if (choice.status === "refused")
    throw new EnsembleRefused(`No kernel runs this ensemble because ${choice.reason}.`);
  const { kernels } = choice;
  const sums = ensemble.aggregate === "sum" || ensemble.aggregate === "average";
  const weightsPerLeaf = sums && haveOneTarget(ensemble) ? 1 : 4 * Math.ceil(ensemble.width / 4);
  const empty = sums ? 0 : Number.NaN;
  const groups = Math.max(1, Math.ceil(coded.columnCount / vectorBytes));
  const walks = kernels.row === "walk" || kernels.bulk === "walk";
  const wide = coded.columnCount > 256 || coded.trees.some((tree) => 2 * tree.leafCount > 65_536);

  const trees = createByteWriter();
  const weights = createByteWriter();
  const nodes = createByteWriter();
  const leafNumbers = createByteWriter();
  const masks = createByteWriter();
  const pieces = createByteWriter();
  const records = createByteWriter();
  const symmetricTrees = createByteWriter();
  let nodeCount = 0;
  for (const [t, tree] of coded.trees.entries()) {
    const source = ensemble.trees[t];
    if (!source) continue;
    const numbers = numberLeaves(tree, kernels, t);
    const start = weights.length() / 4 / weightsPerLeaf;
    const target = source.leafTarget[0] ?? (opposite ? 1 : 0);
    trees.u32(nodeCount);
    trees.u32(start);
    trees.u32(target);
    weights.append(toBytes(tabulateWeights(source, numbers, { weightsPerLeaf, empty })));
    if (walks) nodeCount += writeWalkNodes(tree, numbers, { nodes, leafNumbers, wide });
    if (kernels.row === "masks")
      for (const part of writeTreeMasks(tree, kernels.depth, groups)) masks.append(part);
    if (kernels.bulk === "slots")
      writePieces(tree, { records, pieces, blockRows: kernels.blockRows, numbers, weights: start, target });
    const levels = kernels.symmetricTrees?.[t];
    if (levels) {
      symmetricTrees.u32(levels.length);
      symmetricTrees.u32(start);
      symmetricTrees.u32(target);
      for (let level = 0; level < 8; level++) symmetricTrees.s8(toSigned(levels[level]?.threshold ?? 0));
      for (let level = 0; level < 8; level++)
        symmetricTrees.u32((levels[level]?.column ?? 0) * kernels.blockRows);
    }
  }
  if (kernels.row === "symmetric")
    for (const part of writeSymmetricMasks(kernels.symmetricTrees ?? [], kernels.depth, groups))
      masks.append(part);
  // Whatever byte a leaf's number is, its weights lie within the section.
  weights.append(toBytes(new Float32Array(numbersPerPiece * weightsPerLeaf).fill(empty)));

  const { features, cuts, columns, tables } = writeColumns(coded);
  return writeLayout({
    numbers: {
      featureCount: ensemble.featureCount,
      width: ensemble.width,
      weightsPerLeaf,
      aggregate: aggregates.indexOf(ensemble.aggregate),
      treeCount: ensemble.trees.length,
      bulkKernel: bulkKernels.indexOf(kernels.bulk),
      rowKernel: rowKernels.indexOf(kernels.row),
      bulkFrom: kernels.bulkFrom,
      blockRows: kernels.blockRows,
      depth: kernels.depth,
      rowBytes: groups * vectorBytes,
      wideNodes: wide ? 1 : 0,
      rankedFeatures: coded.features.length,
      pieceCount: pieces.length() / sectionSizes.pieces,
      oneTarget: opposite || (ensemble.width === 1 && weightsPerLeaf === 1) ? 1 : 0,
      opposite: opposite ? 1 : 0,
    },
    sections: {
      features: features.finish(),
      cuts: cuts.finish(),
      columns: columns.finish(),
      tables: tables.finish(),
      trees: trees.finish(),
      weights: weights.finish(),
      nodes: nodes.finish(),
      leafNumbers: leafNumbers.finish(),
      masks: masks.finish(),
      pieces: pieces.finish(),
      records: records.finish(),
      symmetricTrees: symmetricTrees.finish(),
      base: toBytes(ensemble.base),
    },
  });
};
