import { styleText } from "node:util";
import { escapeForTerminal, escapeTerminalLine } from "#untrusted/escape-for-terminal.ts";
import { writeToStream } from "#worlds/embedded/write-to-stream.ts";

type Style = Parameters<typeof styleText>[0];

/** Coloured on a terminal, otherwise plain. */
export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

export const print = (text: string): void => writeToStream(process.stdout, `${escapeForTerminal(text)}\n`);
export const printError = (text: string): void =>
  writeToStream(process.stderr, `${escapeForTerminal(text)}\n`);
export const printJson = (value: unknown): void => print(JSON.stringify(value, undefined, 2));

/** A header and rows, in aligned columns. */
export const printTable = (header: readonly string[], rows: readonly (readonly string[])[]): void => {
  // A cell may hold text from outside: a line break in it must not start a line.
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
