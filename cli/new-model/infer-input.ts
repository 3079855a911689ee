import type { Input } from "#model-folder/manifest/manifest.ts";
import { findTruthPair, isFlag, isMissing, isNumber } from "./csv-cells.ts";
import { isDecimalComma } from "./find-decimal-mark.ts";
import type { ColumnMatch } from "./match-columns.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { widenRange } from "./widen-range.ts";

/** An input, inferred from its column. */
export type InferredInput = {
  readonly match: ColumnMatch;
  readonly input: Input;
  /** A comment for the input's line in the manifest. */
  readonly remark: string;
};

/** A column with more distinct texts is free text, not a category. */
const maxCategories = 60;
const maxCodes = 10_000;
const maxCategoryLength = 256;
const quoted = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

const refuse = ({ column, element }: ColumnMatch, problem: string, remedy: string): never => {
  throw new NewModelRefused(`the column ${column} (${element} in the graph) ${problem}`, remedy);
};

const inferString = (
  match: ColumnMatch,
  present: readonly string[],
  required: boolean,
  least = 100,
): Omit<InferredInput, "match"> => {
  const longest = present.reduce((most, { length }) => Math.max(most, length), 0);
  const maxLength = Math.min(1_000_000, Math.max(least, 10 ** Math.ceil(Math.log10(2 * longest))));
  return {
    input: { name: match.name, type: "string", maxLength, required },
    remark: `data: up to ${longest} characters`,
  };
};

/** Requests may have longer texts than the table: the tokenizer counts tokens, which decide what a model reads. */
const leastTextLength = 10_000;

/** The input of a text model: text of any kind, never missing. */
export const inferText = (match: ColumnMatch, cells: readonly string[]): InferredInput => ({
  match,
  ...inferString(match, cells, true, leastTextLength),
});

const inferFromText = (
  match: ColumnMatch,
  present: readonly string[],
  required: boolean,
): Omit<InferredInput, "match"> => {
  const values = [...new Set(present)].sort();
  // Texts that hardly repeat are names or sentences, not categories.
  const short = values.every(({ length }) => length <= maxCategoryLength);
  if (short && values.length <= maxCategories && values.length <= Math.max(10, present.length / 3))
    return {
      input: { name: match.name, type: "category", values, unknown: "refuse", required },
      remark: "",
    };
  return inferString(match, present, required);
};

const int64Limit = 2n ** 63n;

/** Integers beyond 2^53: numbers of JSON and of most CSV readers lose their last digits. */
const inferIdentifier = (
  match: ColumnMatch,
  present: readonly string[],
  required: boolean,
): Omit<InferredInput, "match"> => {
  const inexact = present.find((text) => !/^-?\d+$/.test(text));
  if (inexact !== undefined)
    return refuse(
      match,
      `holds integers beyond 2^53, and ${quoted(inexact)}, which has lost digits`,
      "Write all digits of the column: in pandas read it with dtype='int64' or 'Int64'.",
    );
  const outside = present.find((text) => BigInt(text) < -int64Limit || BigInt(text) >= int64Limit);
  if (outside !== undefined)
    return refuse(match, `holds ${quoted(outside)}, which int64 cannot hold`, "Correct these cells.");
  return {
    input: { name: match.name, type: "string", maxLength: 20, format: "int64", required },
    remark: "integers beyond 2^53: requests send their digits as text, because JSON numbers lose some",
  };
};

const inferFromNumbers = (
  match: ColumnMatch,
  present: readonly string[],
  required: boolean,
): Omit<InferredInput, "match"> => {
  const { name, element } = match;
  const numbers = present.map(Number);
  const least = numbers.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY);
  const greatest = numbers.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(least) || !Number.isFinite(greatest))
    return refuse(match, "holds numbers beyond a float's range", "Correct these cells.");
  const whole = numbers.every(Number.isSafeInteger);
  const counted = element === "int32" || element === "int64";
  if (element === "int64" && !numbers.every(Number.isSafeInteger) && numbers.every(Number.isInteger))
    return inferIdentifier(match, present, required);
  if (counted && !whole) return refuse(match, "holds fractions", "Export it as float, or round the column.");
  // pandas writes the integer 60 as 60.0 in a column with missing values, so `number` is safe for both.
  const type = counted || (whole && present.every((text) => !text.includes("."))) ? "integer" : "number";
  const range = widenRange(least, greatest, type === "integer");
  return { input: { name, type, ...range, required }, remark: `data: ${least} to ${greatest}` };
};

/** Texts that are numbers to a reader, and what writes them as such. */
const formattedNumbers: readonly (readonly [RegExp, string, string])[] = [
  [
    /^[+-]?\d{1,3}([,'\u2019 \u00a0\u202f]\d{3})+(\.\d+)?$/,
    "numbers with thousands separators",
    'Read it without them in Python: pandas.read_csv(…, thousands=",").to_csv(…, index=False).',
  ],
  [
    /^[+-]?\d{1,3}([.'\u2019 \u00a0\u202f]\d{3})+(,\d+)?$/,
    "numbers with thousands separators",
    'Read it without them in Python: pandas.read_csv(…, thousands=".", decimal=",").to_csv(…, index=False).',
  ],
  [
    /^[+-]?[\d.,]*\d\s?%$/,
    "numbers with percent signs",
    "Write the numbers as in the training, 12% as 12 or as 0.12, without the sign.",
  ],
  [
    /^([+-]?\p{Sc}\s?[+-]?\d[\d.,' ]*|[+-]?\d[\d.,' ]*\s?\p{Sc})$/u,
    "numbers with signs of a currency",
    "Write the numbers without the sign.",
  ],
  [
    /^\d{4}-\d{2}-\d{2}([T ].*)?$|^\d{1,2}[./]\d{1,2}[./]\d{2,4}( .*)?$/,
    "dates",
    "Write the number that the training made of each date, for example a year or a count of days.",
  ],
];
/** Marks of a missing value that are not read as one: a model may have learnt them as a value. */
const gapMark = /^([?*.\-\u2013\u2014]+|#N\/A|n\.?a\.?|unknown|missing|none|nil|inf|-inf)$/i;

/** Refuses a column of numbers in a form that only readers know: their index among the sorted texts is another number. */
const refuseFormattedNumbers = (match: ColumnMatch, present: readonly string[]): void => {
  const texts = present.filter((text) => !isNumber(text));
  for (const [pattern, what, remedy] of formattedNumbers) {
    const isOne = (text: string) => pattern.test(text.trim());
    if (texts.every((text) => isOne(text) || gapMark.test(text)) && texts.some(isOne))
      refuse(match, `holds ${what} (${quoted(texts.find(isOne) ?? "")})`, remedy);
  }
  if (texts.length < present.length && texts.every((text) => gapMark.test(text)))
    refuse(
      match,
      `holds numbers, and ${quoted(texts[0] ?? "")} in ${texts.length} of ${present.length} rows`,
      "Leave these cells empty if their value is missing, or write the number that the training had there.",
    );
};

/** Text in a matrix of numbers: pandas and scikit-learn encode a value as its index among the sorted values. */
const inferFromCodes = (
  match: ColumnMatch,
  present: readonly string[],
  required: boolean,
): Omit<InferredInput, "match"> => {
  const values = [...new Set(present)].sort();
  const example = present.find((text) => !isNumber(text)) ?? "";
  if (!isDecimalComma(example)) refuseFormattedNumbers(match, present);
  if (!match.inMatrix || isDecimalComma(example))
    return refuse(
      match,
      `holds text (${quoted(example)})`,
      isDecimalComma(example)
        ? 'Add --decimal "," if it is a number.'
        : "Export it as a string tensor, or write it as numbers.",
    );
  if (values.some(({ length }) => length > maxCategoryLength))
    return refuse(match, `holds long text (${quoted(example)})`, "Leave the column out with --ignore.");
  if (values.length > maxCodes || (values.length > maxCategories && values.length > present.length / 3))
    return refuse(
      match,
      `holds ${values.length} different texts (${quoted(example)})`,
      "Write the model's numbers in their place, or leave the column out with --ignore.",
    );
  return {
    input: { name: match.name, type: "category", values, unknown: "refuse", required },
    remark: "review: the matrix gets the value's index in values, from 0; is this the order of training?",
  };
};

/**
 * Infers the manifest's input from a column's element type in the graph and its cells. Throws NewModelRefused for cells
 * that do not fit the type.
 */
export const inferInput = (match: ColumnMatch, cells: readonly string[]): InferredInput => {
  const { name, element } = match;
  const textual = element === "string";
  const present = cells.filter((text) => !isMissing(text, textual));
  if (present.length === 0) return refuse(match, "is empty", "Fill it, or export the model without it.");
  // Only these element types have a value for "missing".
  const required = present.length === cells.length || !["float32", "float64", "string"].includes(element);
  const inferred = ((): Omit<InferredInput, "match"> => {
    if (textual) return inferFromText(match, present, required);
    if (present.every(isFlag)) return { input: { name, type: "boolean", required }, remark: "" };
    if (element === "bool") {
      const pair = findTruthPair(present);
      return pair
        ? {
            input: { name, type: "boolean", required },
            remark: /^[01]$/.test(pair[0]) ? "" : `data: ${pair[0]} became true, ${pair[1]} false`,
          }
        : refuse(match, "holds values other than true and false", "Export it as float.");
    }
    return present.every(isNumber)
      ? inferFromNumbers(match, present, required)
      : inferFromCodes(match, present, required);
  })();
  const gaps = cells.length - present.length;
  const missing = required || gaps === 0 ? [] : [`missing in ${gaps} of ${cells.length} rows`];
  return { match, ...inferred, remark: [inferred.remark, ...missing].filter(Boolean).join("; ") };
};
