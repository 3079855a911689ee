/** The text is not valid CSV. The message has the problem and its character, counted from 1. */
export class CsvBroken extends Error {
  override readonly name = "CsvBroken";
}

type Limits = {
  readonly records: number;
  /** Cells per record. */
  readonly cells: number;
};

const quote = 34;
const comma = 44;
const lineFeed = 10;
const carriageReturn = 13;
const endsCell = (code: number): boolean =>
  code === comma || code === lineFeed || code === carriageReturn || Number.isNaN(code);

/** Reads the cell whose opening quote is at `start`. */
const readQuotedCell = (text: string, start: number): { readonly cell: string; readonly end: number } => {
  let close = text.indexOf('"', start + 1);
  while (close >= 0 && text.charCodeAt(close + 1) === quote) close = text.indexOf('"', close + 2);
  if (close < 0) throw new CsvBroken(`the quote at character ${start + 1} is never closed`);
  if (!endsCell(text.charCodeAt(close + 1)))
    throw new CsvBroken(`text follows the closing quote at character ${close + 1}`);
  return { cell: text.slice(start + 1, close).replaceAll('""', '"'), end: close + 1 };
};

/** Reads the cell without quotes that starts at `start`. */
const readBareCell = (text: string, start: number): { readonly cell: string; readonly end: number } => {
  let end = start;
  for (let code = text.charCodeAt(end); !endsCell(code); code = text.charCodeAt(++end))
    if (code === quote) throw new CsvBroken(`a quote inside an unquoted cell at character ${end + 1}`);
  return { cell: text.slice(start, end), end };
};

/**
 * Splits a CSV text into records (RFC 4180; lines may end in LF, CRLF or CR) and skips empty lines. It stops after the
 * first record whose number of cells differs from the first record, and at the limits, even inside a record: a line of six
 * million commas costs no more than its first cells. Throws CsvBroken.
 * @param starts gets the offset of each record's first character
 */
export const splitCsv = (text: string, limits: Limits, starts?: number[]): string[][] => {
  const records: string[][] = [];
  let offset = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (offset < text.length && records.length < limits.records) {
    const first = text.charCodeAt(offset);
    if (first === lineFeed || first === carriageReturn) {
      offset++;
      continue;
    }
    const record: string[] = [];
    records.push(record);
    starts?.push(offset);
    for (;;) {
      const { cell, end } =
        text.charCodeAt(offset) === quote ? readQuotedCell(text, offset) : readBareCell(text, offset);
      record.push(cell);
      offset = end + 1;
      if (record.length >= limits.cells) return records;
      if (text.charCodeAt(end) !== comma) break;
    }
    if (record.length !== records[0]?.length) break;
  }
  return records;
};
