import { stripVTControlCharacters, styleText } from "node:util";
import { escapeForTerminal, escapeTerminalLine } from "#untrusted/escape-for-terminal.ts";
import { writeToStream } from "#worlds/embedded/write-to-stream.ts";
import { formatTable } from "./format-table.ts";
import { endProgress } from "./progress.ts";
import { wrapWords } from "./wrap-words.ts";

type Style = Parameters<typeof styleText>[0];

/** Coloured on a terminal, otherwise plain. */
export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

export const print = (text: string): void => {
  endProgress();
  writeToStream(process.stdout, `${escapeForTerminal(text)}\n`);
};
export const printError = (text: string): void => {
  endProgress();
  // `paint` asks stdout, and stderr may be a file.
  const safe = escapeForTerminal(text);
  writeToStream(process.stderr, `${process.stderr.isTTY ? safe : stripVTControlCharacters(safe)}\n`);
};
/** Empties the terminal, before the same view is printed again. */
export const clearTerminal = (): void => writeToStream(process.stdout, "\u001b[2J\u001b[3J\u001b[H");
export const printJson = (value: unknown): void => print(JSON.stringify(value, undefined, 2));

/** Columns of the terminal; undefined: output goes to a pipe or a file. */
export const readTerminalWidth = (): number | undefined =>
  // Some terminals say that they have no columns.
  process.stdout.isTTY ? process.stdout.columns || undefined : undefined;

/**
 * A header and rows, in aligned columns that fit the terminal.
 * @param least titles of the columns that a narrow terminal shortens and leaves out, the least important first
 */
export const printTable = (
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { least = [] }: { readonly least?: readonly string[] } = {},
): void => {
  // A cell may hold text from outside: a line break in it must not start a line.
  const cells = rows.map((row) => row.map(escapeTerminalLine));
  const table = formatTable(header, cells, { width: readTerminalWidth(), least });
  if (table.header !== undefined) print(paint("dim", table.header));
  for (const line of table.lines) print(line);
  if (table.hidden.length > 0) {
    const sentence = `Not shown at this width: ${table.hidden.join(", ")} (--json has everything).`;
    for (const line of wrapWords(sentence, readTerminalWidth() ?? sentence.length)) print(paint("dim", line));
  }
};
