import type { Input, Row } from "#model-folder/manifest/manifest.ts";
import { readCell } from "#model-folder/rows/read-cell.ts";

/** Numbers, flags and missing values in the spellings of pandas, R and spreadsheets. */
const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const flag = /^(true|false)$/i;
const missing = /^(|NA|N\/A|NaN|nan|null|NULL|None)$/;

export const isNumber = (text: string): boolean => number.test(text);
export const isFlag = (text: string): boolean => flag.test(text);

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
      return isMissing(text, false) ? null : /^true$/i.test(text) || Number(text) === 1;
    case "category":
      // NA is a value where the column's values include it, otherwise a missing value.
      return isMissing(text, input.values.includes(text)) ? null : text;
    case "string":
      return text === "" ? null : text;
    case "tensor":
    case "image":
      return readCell(text, input);
    default:
      return input satisfies never;
  }
};
