import { styleText } from "node:util";
import { escapeForTerminal, escapeTerminalLine } from "#untrusted/escape-for-terminal.ts";
import { writeOut } from "#worlds/embedded/write-out.ts";

type Style = Parameters<typeof styleText>[0];

/** Coloured where stdout is a terminal, plain elsewhere. */
export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

export const print = (text: string): void => writeOut(process.stdout, `${escapeForTerminal(text)}\n`);
export const printError = (text: string): void => writeOut(process.stderr, `${escapeForTerminal(text)}\n`);
export const printJson = (value: unknown): void => print(JSON.stringify(value, undefined, 2));

/** Columns of equal width, a header above; for people. */
export const printTable = (header: readonly string[], rows: readonly (readonly string[])[]): void => {
  // A cell is a name or a reason from outside: it stays on its line.
  const lines = rows.map((row) => row.map(escapeTerminalLine));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...lines.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  print(paint("dim", line(header)));
  for (const row of lines) print(line(row));
};
