/**
 * The form of a laid-out ensemble: a header of 32-bit numbers, then sections one after the other, all little-endian and each at a
 * multiple of 16 bytes. The kernel (source/ensemble.h) reads the sections where they lie.
 */
const magic = 0x4b_50_4c_53;
const version = 1;
const alignment = 16;

/** Numbers of the header, in the order of the kernel's `Ensemble`. */
export const numberNames = [
  "featureCount",
  "width",
  "weightsPerLeaf",
  "aggregate",
  "treeCount",
  "bulkKernel",
  "rowKernel",
  "bulkFrom",
  "blockRows",
  "depth",
  "rowBytes",
  "wideNodes",
  "rankedFeatures",
  "pieceCount",
  "oneTarget",
  "opposite",
] as const;

/** Sections, in the order of the kernel's `Ensemble`, with the bytes of one element. */
export const sectionSizes = {
  features: 20,
  cuts: 4,
  columns: 12,
  tables: 1,
  trees: 12,
  weights: 4,
  nodes: 4,
  leafNumbers: 4,
  masks: 16,
  pieces: 20,
  records: 12,
  symmetricTrees: 52,
  base: 4,
} as const;

type NumberName = (typeof numberNames)[number];
export type SectionName = keyof typeof sectionSizes;
export const sectionNames = Object.keys(sectionSizes) as readonly SectionName[];

export type Layout = {
  readonly numbers: Readonly<Record<NumberName, number>>;
  readonly sections: Readonly<Record<SectionName, Uint8Array>>;
};

/** A layout that this version did not write, or that was changed since. */
export class LayoutRefused extends Error {
  override readonly name = "LayoutRefused";
}

/** magic, version, length of everything, the numbers, then the length of each section. */
const headerWords = 3 + numberNames.length + sectionNames.length;

export const align = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** Where each section begins; the last element is the length of everything. */
const findStarts = (lengths: readonly number[]): readonly number[] => {
  const starts = [align(headerWords * 4)];
  for (const length of lengths) starts.push((starts.at(-1) ?? 0) + align(length));
  return starts;
};

export const writeLayout = ({ numbers, sections }: Layout): Uint8Array => {
  const lengths = sectionNames.map((name) => sections[name].length);
  const starts = findStarts(lengths);
  const total = starts.at(-1) ?? 0;
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  const words = [magic, version, total, ...numberNames.map((name) => numbers[name]), ...lengths];
  words.forEach((word, index) => void view.setUint32(4 * index, word, true));
  sectionNames.forEach((name, index) => void bytes.set(sections[name], starts[index]));
  return bytes;
};

/** Splits bytes into numbers and sections, and checks nothing but the form. Throws LayoutRefused. */
export const readLayout = (
  bytes: Uint8Array,
): Layout & { readonly starts: Readonly<Record<SectionName, number>> } => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < align(headerWords * 4))
    throw new LayoutRefused("The layout of the trees is shorter than its header.");
  const word = (index: number) => view.getUint32(4 * index, true);
  if (word(0) !== magic || word(1) !== version)
    throw new LayoutRefused("The bytes are no layout of trees of this version.");
  const lengths = sectionNames.map((_, index) => word(3 + numberNames.length + index));
  const starts = findStarts(lengths);
  if (word(2) !== bytes.length || starts.at(-1) !== bytes.length)
    throw new LayoutRefused("The layout of the trees has another length than its header says.");
  for (const [index, name] of sectionNames.entries())
    if ((lengths[index] ?? 0) % sectionSizes[name] !== 0)
      throw new LayoutRefused(`The layout's section ${name} ends within an element.`);
  const start = (index: number) => starts[index] ?? 0;
  return {
    numbers: Object.fromEntries(numberNames.map((name, index) => [name, word(3 + index)])) as Record<
      NumberName,
      number
    >,
    sections: Object.fromEntries(
      sectionNames.map((name, index) => [
        name,
        bytes.subarray(start(index), start(index) + (lengths[index] ?? 0)),
      ]),
    ) as Record<SectionName, Uint8Array>,
    starts: Object.fromEntries(sectionNames.map((name, index) => [name, start(index)])) as Record<
      SectionName,
      number
    >,
  };
};
