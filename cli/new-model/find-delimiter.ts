import { CsvError } from "csv-parse/sync";
import { type Delimiter, delimiterNames, delimiterOptions, delimiters } from "./csv-dialect.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import { parseCsv } from "./parse-csv.ts";

/** More lines would not change the answer. */
const sampleRecords = 200;

/** The number of columns if all lines of the sample have as many, and at least two. */
const countColumns = (text: string, delimiter: Delimiter): number | undefined => {
  try {
    const [header = [], ...rows] = parseCsv(text, { delimiter, to: sampleRecords, ragged: true });
    return header.length > 1 && rows.every(({ length }) => length === header.length)
      ? header.length
      : undefined;
  } catch (error) {
    if (error instanceof CsvError) return undefined;
    throw error;
  }
};

const readHeader = (text: string, delimiter: Delimiter): readonly string[] =>
  (parseCsv(text, { delimiter, to: 1, ragged: true })[0] ?? []).map((name) => name.trim());

type DelimiterEvidence = {
  readonly file: string;
  /** Columns that the header must have. */
  readonly named: readonly string[];
};

/**
 * Finds what separates the columns: the one delimiter by which all lines have as many columns, and the header has the named
 * ones. Throws NewModelRefused where several do.
 */
export const findDelimiter = (text: string, { file, named }: DelimiterEvidence): Delimiter => {
  const regular = delimiters.filter((delimiter) => countColumns(text, delimiter) !== undefined);
  const fitting = regular.filter((delimiter) => {
    const header = readHeader(text, delimiter);
    return named.every((name) => header.includes(name.trim()));
  });
  const candidates = fitting.length > 0 ? fitting : regular;
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return only;
  if (only !== undefined)
    throw new NewModelRefused(
      `${file} can be read with ${candidates.map((each) => delimiterNames[each]).join(" or with ")} between its columns`,
      `Add ${candidates.map((each) => `--delimiter ${delimiterOptions[each]}`).join(" or ")}.`,
    );
  // No delimiter fits all lines: the one with the most columns in the header has the line with the mistake.
  const firstLine = text.slice(0, 100_000).split(/[\r\n]/, 1)[0] ?? "";
  return delimiters.reduce((best, each) =>
    firstLine.split(each).length > firstLine.split(best).length ? each : best,
  );
};
