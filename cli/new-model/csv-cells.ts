import type { Input, Row } from "#model-folder/manifest/manifest.ts";
import { readCell } from "#model-folder/rows/read-cell.ts";

/** Numbers, flags and missing values in the spellings of pandas, R and spreadsheets. */
const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const flag = /^(true|false)$/i;
/** Pairs of words for true and false: SQL's, those of forms, and Excel's in German and French. */
const truthPairs = [
  ["true", "false"],
  ["yes", "no"],
  ["y", "n"],
  ["t", "f"],
  ["on", "off"],
  ["1", "0"],
  ["ja", "nein"],
  ["j", "n"],
  ["oui", "non"],
  ["wahr", "falsch"],
  ["vrai", "faux"],
] as const;
const trueWords: ReadonlySet<string> = new Set(truthPairs.map(([yes]) => yes));
const falseWords: ReadonlySet<string> = new Set(truthPairs.map(([, no]) => no));
const missing = /^(|NA|N\/A|NaN|nan|null|NULL|None)$/;

export const isNumber = (text: string): boolean => number.test(text);
export const isFlag = (text: string): boolean => flag.test(text);

export const isTruthWord = (text: string): boolean =>
  trueWords.has(text.toLowerCase()) || falseWords.has(text.toLowerCase());

/** The pair of words that all cells are of, true first; undefined for other cells and for a mixture of pairs. */
export const findTruthPair = (cells: readonly string[]): readonly [string, string] | undefined => {
  const words = [...new Set(cells.map((text) => text.toLowerCase()))];
  return truthPairs.find((pair) => words.every((word) => pair.some((one) => one === word)));
};

/** Whether a cell is a missing value. In text only the empty cell is, because NA may be a country. */
export const isMissing = (text: string, textual: boolean): boolean =>
  textual ? text === "" : missing.test(text);

/** A cell as the value that an application would send for this input. */
export const parseCell = (text: string, input: Input): Row[string] => {
  switch (input.type) {
    case "integer":
    case "number":
      return isNumber(text) ? Number(text) : null;
    case "boolean":
      return isMissing(text, false) ? null : trueWords.has(text.toLowerCase()) || Number(text) === 1;
    case "category":
      // NA is a value where the column's values include it, otherwise a missing value.
      return isMissing(text, input.values.includes(text)) ? null : text;
    case "string":
      if (input.format === "int64") return isMissing(text, false) ? null : BigInt(text).toString();
      return text === "" ? null : text;
    case "tensor":
    case "image":
      return readCell(text, input);
    default:
      return input satisfies never;
  }
};
