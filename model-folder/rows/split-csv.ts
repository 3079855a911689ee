/** A text that is no CSV: where, as a count of characters, and what is wrong there. */
export class CsvBroken extends Error {
  override readonly name = "CsvBroken";
}

type Limits = {
  readonly records: number;
  /** Cells of a record. */
  readonly cells: number;
};

const quote = 34;
const comma = 44;
const lineFeed = 10;
const carriageReturn = 13;
const endsCell = (code: number): boolean =>
  code === comma || code === lineFeed || code === carriageReturn || Number.isNaN(code);

/** The cell whose opening quote stands at `start`, and where it ends. */
const readQuotedCell = (text: string, start: number): { readonly cell: string; readonly end: number } => {
  let close = text.indexOf('"', start + 1);
  while (close >= 0 && text.charCodeAt(close + 1) === quote) close = text.indexOf('"', close + 2);
  if (close < 0) throw new CsvBroken(`a quote opens at character ${start + 1} and never closes`);
  if (!endsCell(text.charCodeAt(close + 1)))
    throw new CsvBroken(`text follows the closing quote at character ${close + 1}`);
  return { cell: text.slice(start + 1, close).replaceAll('""', '"'), end: close + 1 };
};

/** The cell that begins without a quote at `start`, and where it ends. */
const readBareCell = (text: string, start: number): { readonly cell: string; readonly end: number } => {
  let end = start;
  for (let code = text.charCodeAt(end); !endsCell(code); code = text.charCodeAt(++end))
    if (code === quote) throw new CsvBroken(`a quote stands within a cell at character ${end + 1}`);
  return { cell: text.slice(start, end), end };
};

/**
 * The records of a CSV text (RFC 4180; lines may end in LF, CRLF or CR), empty lines left out. Reading stops behind
 * the first record that has another number of cells than the first one, and at the limits, in the middle of a record
 * where it must: a line of six million commas costs no more than its first cells. Throws CsvBroken.
 * @param starts gets the offset of each record's first character
 */
export const splitCsv = (text: string, limits: Limits, starts?: number[]): string[][] => {
  const records: string[][] = [];
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < text.length && records.length < limits.records) {
    const first = text.charCodeAt(at);
    if (first === lineFeed || first === carriageReturn) {
      at++;
      continue;
    }
    const record: string[] = [];
    records.push(record);
    starts?.push(at);
    for (;;) {
      const { cell, end } = text.charCodeAt(at) === quote ? readQuotedCell(text, at) : readBareCell(text, at);
      record.push(cell);
      at = end + 1;
      if (record.length >= limits.cells) return records;
      if (text.charCodeAt(end) !== comma) break;
    }
    if (record.length !== records[0]?.length) break;
  }
  return records;
};
