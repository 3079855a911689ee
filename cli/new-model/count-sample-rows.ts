import { countRowElements } from "#model-folder/rows/limit-rows.ts";
import type { InferredInput } from "./infer-input.ts";

/** A text takes some hundred times as long as a row of numbers. */
const sampleSizes = { rows: 1_000, texts: 200, elements: 2_000_000 };
const goldenRows = 20;
/** About 25 bytes an element. */
const goldenElements = 200_000;

/** Rows of arrays take more time and more place in golden.json and holdout.csv. */
export const countSampleRows = (
  inputs: readonly InferredInput[],
  outputElements: number,
  tokenizer: object | undefined,
): number => {
  const elements = countRowElements(inputs.map(({ input }) => input)) + outputElements;
  const most = tokenizer ? sampleSizes.texts : sampleSizes.rows;
  return elements <= 1 ? most : Math.max(4, Math.min(most, Math.floor(sampleSizes.elements / elements)));
};

/** Fewer golden rows where all of them would be larger than the 6 MB that CodeCommit returns. */
export const countGoldenRows = (inputs: readonly InferredInput[], outputElements: number): number => {
  const elements = countRowElements(inputs.map(({ input }) => input)) + outputElements;
  return Math.max(1, Math.min(goldenRows, Math.floor(goldenElements / Math.max(1, elements))));
};
