import { type DecimalMark, type Delimiter, delimiterNames } from "./csv-dialect.ts";
import { NewModelRefused } from "./new-model-refused.ts";

/** 0,5 is a number with a decimal comma; 1,234 is that or one thousand. */
const decimalComma = /^[+-]?\d*,\d+([eE][+-]?\d+)?$/;
const groupedByComma = /^[+-]?[1-9]\d{0,2},\d{3}$/;
const decimalPoint = /^[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?$/;
const groupedByPoint = /^[+-]?[1-9]\d{0,2}\.\d{3}$/;

export const isDecimalComma = (text: string): boolean => decimalComma.test(text);

type DecimalEvidence = { readonly file: string; readonly delimiter: Delimiter };

/**
 * Finds the decimal mark of a table whose columns are not separated by commas. Throws NewModelRefused where numbers have
 * both marks, or only ones that may be thousands.
 */
export const findDecimalMark = (
  rows: readonly (readonly string[])[],
  { file, delimiter }: DecimalEvidence,
): DecimalMark => {
  if (delimiter === ",") return ".";
  const seen = { comma: "", point: "", groupedComma: "", groupedPoint: "" };
  for (const row of rows)
    for (const cell of row) {
      const text = cell.trim();
      if (decimalComma.test(text)) seen[groupedByComma.test(text) ? "groupedComma" : "comma"] ||= text;
      else if (decimalPoint.test(text)) seen[groupedByPoint.test(text) ? "groupedPoint" : "point"] ||= text;
    }
  const hasComma = seen.comma !== "" || seen.groupedComma !== "";
  const hasPoint = seen.point !== "" || seen.groupedPoint !== "";
  if (seen.comma !== "" && !hasPoint) return ",";
  if (!hasComma && (seen.point !== "" || !hasPoint || delimiter !== ";")) return ".";
  const examples = [seen.comma || seen.groupedComma, seen.point || seen.groupedPoint].filter(Boolean);
  throw new NewModelRefused(
    `${file} has ${delimiterNames[delimiter]} between its columns, and ${examples.join(" and ")} as numbers: the decimal mark is unclear`,
    'Add --decimal "," or --decimal ".".',
  );
};

/**
 * Replaces decimal commas by points in the columns that have nothing but numbers.
 * @param isMissing whether a cell has no value
 */
export const replaceDecimalCommas = (
  cells: readonly string[],
  isMissing: (text: string) => boolean,
): readonly string[] => {
  const isNumeric = (text: string) => isDecimalComma(text) || /^[+-]?\d+([eE][+-]?\d+)?$/.test(text);
  const trimmed = cells.map((text) => text.trim());
  return trimmed.some(isDecimalComma) && trimmed.every((text) => isMissing(text) || isNumeric(text))
    ? trimmed.map((text) => (isDecimalComma(text) ? text.replace(",", ".") : text))
    : cells;
};
