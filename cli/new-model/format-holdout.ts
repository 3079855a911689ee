import type { Row } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

const formatCell = (value: Row[string] | undefined): string => {
  const text =
    value === null || value === undefined
      ? ""
      : // Tensors are JSON in their cell.
        typeof value === "object"
        ? JSON.stringify(value)
        : String(value);
  // At the start of the file, an unquoted U+FEFF would be a byte order mark.
  return /^\ufeff|[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** holdout.csv: inputs and labels of each row. */
export const formatHoldout = (
  inputs: readonly string[],
  rows: readonly Row[],
  truth: ReadonlyMap<string, readonly string[]>,
): string => {
  const header = [...inputs, ...truth.keys()];
  const lines = rows.map((row, at) => [
    ...inputs.map((name) => getOwnProperty(row, name)),
    ...[...truth.values()].map((cells) => cells[at]),
  ]);
  return [header, ...lines].map((line) => `${line.map(formatCell).join(",")}\n`).join("");
};
