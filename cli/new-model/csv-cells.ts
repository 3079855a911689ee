import type { Input, Row } from "#model-folder/manifest/manifest.ts";

/** How a number, a flag and a gap are written by the programs that write CSV (pandas, R, spreadsheets). */
const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const flag = /^(true|false)$/i;
const gap = /^(|NA|N\/A|NaN|nan|null|NULL|None)$/;

export const isNumber = (text: string): boolean => number.test(text);
export const isFlag = (text: string): boolean => flag.test(text);

/** Whether a cell says nothing. In text only the empty cell does: NA may be a country. */
export const isMissing = (text: string, textual: boolean): boolean =>
  textual ? text === "" : gap.test(text);

/** A cell as an application would send it, by the input that was inferred from its column. */
export const parseCell = (text: string, input: Input): Row[string] => {
  switch (input.type) {
    case "integer":
    case "number":
      return isNumber(text) ? Number(text) : null;
    case "boolean":
      return isMissing(text, false) ? null : /^true$/i.test(text) || Number(text) === 1;
    case "category":
      // NA is a gap among the names of a matrix of numbers, and a value where text is taken as it is.
      return isMissing(text, input.values.includes(text)) ? null : text;
    case "string":
      return text === "" ? null : text;
    default:
      return input satisfies never;
  }
};
