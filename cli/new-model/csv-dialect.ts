export const delimiters = [",", ";", "\t", "|"] as const;
export type Delimiter = (typeof delimiters)[number];
export type DecimalMark = "." | ",";

export const delimiterNames: Readonly<Record<Delimiter, string>> = {
  ",": "commas",
  ";": "semicolons",
  "\t": "tabs",
  "|": "vertical bars",
};
/** How a person writes the delimiter as `--delimiter`. */
export const delimiterOptions: Readonly<Record<Delimiter, string>> = {
  ",": "comma",
  ";": "semicolon",
  "\t": "tab",
  "|": "pipe",
};

/** What a person should know about the dialect; a CSV with commas and points needs no word. */
export const describeDialect = (file: string, delimiter: Delimiter, decimal: DecimalMark): string[] =>
  delimiter === "," && decimal === "."
    ? []
    : [
        `Read ${file} with ${delimiterNames[delimiter]} between its columns and decimal ${decimal === "," ? "commas" : "points"}.`,
      ];

/** Reads `--delimiter`: a character or its name. */
export const parseDelimiter = (text: string): Delimiter | undefined =>
  delimiters.find(
    (each) => each === text || delimiterOptions[each] === text || (each === "\t" && text === "\\t"),
  );
