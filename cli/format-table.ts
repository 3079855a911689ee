import stringWidth from "string-width";
import { wrapWords } from "./wrap-words.ts";

type TableColumns = {
  /** Columns of the terminal; undefined: as wide as the cells are, for a pipe or a file. */
  readonly width: number | undefined;
  /** Titles of the columns that give way on a narrow terminal, the least important first. */
  readonly least: readonly string[];
};

export type FormattedTable = {
  /** Undefined: the rows are records, with a title in each line. */
  readonly header: string | undefined;
  readonly lines: readonly string[];
  /** Titles of the columns that are left out. */
  readonly hidden: readonly string[];
};

const gap = 2;
/** A column that would keep fewer characters is left out. */
const minShortened = 10;

const padCell = (cell: string, width: number): string =>
  cell + " ".repeat(Math.max(0, width - stringWidth(cell)));

/** The first characters of a cell, and an ellipsis. */
const shortenCell = (cell: string, width: number): string => {
  if (stringWidth(cell) <= width) return cell;
  let short = "";
  for (const { segment } of new Intl.Segmenter().segment(cell)) {
    if (stringWidth(short + segment) > width - 1) break;
    short += segment;
  }
  return `${short}…`;
};

/** A record for each row; for a terminal that is too narrow even for the most important columns. */
const formatRecords = (
  header: readonly string[],
  rows: readonly (readonly string[])[],
  terminalWidth: number,
): readonly string[] => {
  const width = Math.max(...header.map((title) => stringWidth(title)));
  const formatValue = (title: string, value: string): readonly string[] =>
    wrapWords(value, terminalWidth - width - gap).map(
      (line, index) => `${padCell(index === 0 ? title : "", width)}${" ".repeat(gap)}${line}`,
    );
  return rows.flatMap((row, index) => [
    ...(index > 0 ? [""] : []),
    ...header.flatMap((title, column) => (row[column] ? formatValue(title, row[column]) : [])),
  ]);
};

/**
 * Rows in aligned columns that fit the width. Where they do not, the columns of `least` are shortened or left out, one by
 * one; if that is not enough, each row becomes a record. No value of another column is ever cut.
 */
export const formatTable = (
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { width = Number.POSITIVE_INFINITY, least }: TableColumns,
): FormattedTable => {
  const widths = header.map((title, column) =>
    Math.max(stringWidth(title), ...rows.map((row) => stringWidth(row[column] ?? ""))),
  );
  let shown = header.map((_, column) => column);
  const computeWidth = () =>
    shown.reduce((sum, column) => sum + (widths[column] ?? 0), 0) + gap * Math.max(0, shown.length - 1);
  const order = least.map((title) => header.indexOf(title)).filter((column) => column >= 0);
  const hidden: string[] = [];
  for (const column of order) {
    const excess = computeWidth() - width;
    if (excess <= 0) break;
    const shortened = (widths[column] ?? 0) - excess;
    if (shortened >= minShortened) widths[column] = shortened;
    else {
      shown = shown.filter((other) => other !== column);
      hidden.push(header[column] ?? "");
    }
  }
  if (computeWidth() > width)
    return { header: undefined, lines: formatRecords(header, rows, width), hidden: [] };
  const formatLine = (cells: readonly string[]): string =>
    shown
      .map((column) => {
        const columnWidth = widths[column] ?? 0;
        return padCell(shortenCell(cells[column] ?? "", columnWidth), columnWidth);
      })
      .join(" ".repeat(gap))
      .trimEnd();
  return { header: formatLine(header), lines: rows.map(formatLine), hidden };
};
