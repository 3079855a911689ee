import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Coloured where stdout is a terminal, plain elsewhere. */
export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

export const print = (text: string): void => void process.stdout.write(`${text}\n`);
export const printError = (text: string): void => void process.stderr.write(`${text}\n`);
export const printJson = (value: unknown): void => print(JSON.stringify(value, undefined, 2));

/** Columns of equal width, a header above; for people. */
export const printTable = (header: readonly string[], rows: readonly (readonly string[])[]): void => {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  print(paint("dim", line(header)));
  for (const row of rows) print(line(row));
};
