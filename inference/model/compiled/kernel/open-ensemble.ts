import type { EnsembleRunner } from "../ensemble-runner.ts";
import { createPrefixView } from "../prefix-view.ts";
import { checkLayout } from "./check-layout.ts";
import { constantSlots, resultSlots, slotBytes } from "./kernel-numbers.ts";
import {
  align,
  LayoutRefused,
  numberNames,
  readLayout,
  type SectionName,
  sectionNames,
  sectionSizes,
} from "./layout.ts";
import { instantiateKernel } from "./open-kernel.ts";

const pageBytes = 65_536;
/** Features of one run: they and their codes stay in the caches. */
const maxInputBytes = 1_048_576;
const maxRows = 4_096;
/** The kernel reads and writes whole vectors, and up to 64 rows at once. */
const spareBytes = 64;

/**
 * Opens a layout of `layOutEnsemble` in a memory of its own, which does not grow. Throws LayoutRefused for bytes that this version
 * did not write or that were changed: every offset and index is checked before the kernel reads it.
 * @param isChecked true for bytes that a build opened with these checks and whose checksum says that they are the same
 */
export const openEnsemble = (
  given: Uint8Array,
  { isChecked = false }: { readonly isChecked?: boolean } = {},
): EnsembleRunner => {
  // Checks read words, which begin at multiples of 4.
  const bytes = given.byteOffset % 4 === 0 ? given : given.slice();
  const layout = readLayout(bytes);
  if (!isChecked) checkLayout(layout);
  const { numbers, sections, starts } = layout;
  const { featureCount, width, weightsPerLeaf, treeCount, blockRows, rowBytes } = numbers;
  const columnCount = sections.columns.length / sectionSizes.columns;
  const rows = Math.min(
    maxRows,
    blockRows * Math.max(1, Math.floor(maxInputBytes / (4 * featureCount * blockRows))),
  );

  const kernel = instantiateKernel();
  let end = align(kernel.free_memory());
  const reserve = (length: number): number => {
    const start = end;
    end += align(length + spareBytes);
    return start;
  };
  const ensemble = reserve(kernel.ensemble_bytes());
  const layoutStart = reserve(bytes.length);
  const slots = reserve((constantSlots + resultSlots) * slotBytes);
  const codes = reserve(blockRows * Math.max(rowBytes, columnCount));
  const leaves = reserve(4 * (Math.max(blockRows, treeCount) + 16));
  const sums = reserve(4 * blockRows * Math.max(width, weightsPerLeaf));
  const input = reserve(4 * rows * featureCount);
  const output = reserve(4 * rows * width);
  const missing = end - kernel.memory.buffer.byteLength;
  // The build limits the memory to 1 GiB.
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / pageBytes));

  const { buffer } = kernel.memory;
  new Uint8Array(buffer, layoutStart, bytes.length).set(bytes);
  const constants = new Uint8Array(buffer, slots, constantSlots * slotBytes);
  for (let slot = 0; slot < constantSlots; slot++)
    constants.fill(slot, slot * slotBytes, (slot + 1) * slotBytes);
  const fields = [
    ...numberNames.map((name) => numbers[name]),
    ...sectionNames.map((name: SectionName) => layoutStart + starts[name]),
    ...[slots, codes, leaves, sums, input, output],
  ];
  if (4 * fields.length !== kernel.ensemble_bytes())
    throw new Error("kernel.wasm is not the build of this version: npm run build:kernel");
  new Uint32Array(buffer, ensemble, fields.length).set(fields);

  const count = (name: SectionName) => sections[name].length / sectionSizes[name];
  const leafRows = count("weights") / weightsPerLeaf;
  if (
    !isChecked &&
    !kernel.holds(ensemble, columnCount, count("leafNumbers"), count("records"), count("masks"), leafRows)
  )
    throw new LayoutRefused(
      "The layout of the trees is damaged: a node asks or leads to what does not exist.",
    );

  const check = (count: number) => {
    if (!Number.isInteger(count) || count < 1 || count > rows)
      throw new RangeError(`a run takes between 1 and ${rows} rows, not ${count}`);
  };
  const features = createPrefixView(new Float32Array(buffer, input, rows * featureCount));
  const results = createPrefixView(new Float32Array(buffer, output, rows * width));
  return {
    featureCount,
    width,
    maxRows: rows,
    features: (count) => {
      check(count);
      return features(count * featureCount);
    },
    run: (count) => {
      check(count);
      kernel.run(ensemble, count);
      return results(count * width);
    },
  };
};
