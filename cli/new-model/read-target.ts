import type { OnnxSummary } from "#model-folder/onnx/inspect-onnx.ts";
import { isMissing, isNumber } from "./csv-cells.ts";
import { isMeasuredTarget } from "./is-measured-target.ts";
import type { ModelSource } from "./model-source.ts";
import type { CsvTable } from "./read-csv-table.ts";

/** More different labels than a manifest can list. */
const maxStrata = 1_000;

/**
 * The label of a target's cell, by all cells of its column: libraries write the same class as 1.0 or as 1. Not where the
 * graph or the caller has the cells as they are, nor where one starts with a zero: 01 and 1 are two labels.
 */
const createLabelReader = (
  cells: readonly string[],
  lists: readonly (readonly string[])[],
): ((text: string) => string) =>
  cells.every(
    (text) => isNumber(text) && Number.isSafeInteger(Number(text)) && !/^-?0\d/.test(text.trim()),
  ) && !lists.some((labels) => cells.every((text) => labels.includes(text)))
    ? (text) => String(Number(text))
    : (text) => text;

/** Whether a target's cell is a missing value: a graph or the caller can have a label that is spelled like one, for example null. */
const createMissingTarget = (lists: readonly (readonly string[])[]): ((text: string) => boolean) => {
  const labels = new Set(lists.flat());
  return (text) => isMissing(text, labels.has(text));
};

/** The target of all rows, because a sample can lack a label. */
export const readTarget = (
  { targets, options }: ModelSource,
  table: CsvTable,
  { classLabels }: Pick<OnnxSummary, "classLabels">,
) => {
  const lists = [...classLabels.map(({ labels }) => labels), ...(options?.labels ? [options.labels] : [])];
  const isMissingTarget = createMissingTarget(lists);
  const task = options?.task;
  const readers = new Map(
    targets.map((target) => {
      const cells = (table.columns.get(target) ?? []).filter((text) => !isMissingTarget(text));
      return [target, { cells, read: createLabelReader(cells, lists) }] as const;
    }),
  );
  const readLabels = (target: string, texts: readonly string[]): readonly string[] =>
    texts.map(readers.get(target)?.read ?? String);
  const [first] = targets;
  const known = first === undefined ? [] : [...new Set(readLabels(first, readers.get(first)?.cells ?? []))];
  const isLabelled =
    task === undefined
      ? !isMeasuredTarget(known)
      : task === "classification" || task === "anomaly" || task === "clustering";
  return {
    isMissingTarget,
    readLabels,
    known,
    stratify: targets.length === 1 && isLabelled && known.length <= maxStrata,
  };
};
