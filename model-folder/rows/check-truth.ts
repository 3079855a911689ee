import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { splitWords } from "./split-words.ts";

type TruthProblem = { readonly message: string; readonly remedy: string };

const quote = (text: string): string => JSON.stringify(text.slice(0, 64));
const isNumber = (text: string): boolean => text.trim() !== "" && Number.isFinite(Number(text));

const checkLabel = (text: string, labels: readonly string[]): TruthProblem | undefined =>
  labels.includes(text)
    ? undefined
    : {
        message: `${quote(text)} is not one of the manifest's labels`,
        remedy: `Write ${labels.slice(0, 20).join(" or ")}.`,
      };

const checkNumber = (text: string): TruthProblem | undefined =>
  isNumber(text)
    ? undefined
    : { message: `${quote(text)} is not a number`, remedy: "Write the measured value." };

/**
 * Why a cell is not a truth of this model's task; undefined: it is one.
 * @param column its place in listTruthColumns
 */
export const checkTruth = (text: string, manifest: Manifest, column = 0): TruthProblem | undefined => {
  switch (manifest.task) {
    case "classification":
    case "clustering":
      return checkLabel(text, manifest.output.labels);
    case "anomaly":
      return checkLabel(text, [manifest.output.normal, manifest.output.anomaly]);
    case "multilabel":
      return text === "0" || text === "1"
        ? undefined
        : {
            message: `${quote(text)} is neither 0 nor 1`,
            remedy: "Write 1 where the label applies to the row, otherwise 0.",
          };
    case "ranking":
      return isNumber(text) && Number(text) >= 0
        ? undefined
        : {
            message: `${quote(text)} is not a relevance`,
            remedy: "Write a number from 0; more relevant rows have higher ones.",
          };
    case "regression":
      return checkNumber(text);
    case "entities": {
      const { labels, outside } = manifest.output;
      const unknown = splitWords(text).find((tag) => tag.text !== outside && !labels.includes(tag.text));
      return unknown && checkLabel(unknown.text, labels);
    }
    case "multioutput":
      return checkLabel(text, manifest.output.heads[column]?.labels ?? []);
    case "embedding":
    case "tensors":
      return {
        message: `a model of the task ${manifest.task} has no truth to compare with`,
        remedy: "Remove holdout.csv: golden vectors, latency and schema are checked without it.",
      };
    default:
      return manifest satisfies never;
  }
};
