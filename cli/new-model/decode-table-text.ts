import { NewModelRefused } from "./new-model-refused.ts";

/** The encodings that `--encoding` takes. */
export const tableEncodings = [
  "utf-8",
  "latin1",
  "windows-1252",
  "utf-16le",
  "utf-16be",
  "iso-8859-2",
  "iso-8859-15",
  "windows-1250",
  "windows-1251",
  "windows-1253",
  "windows-1254",
  "windows-1255",
  "windows-1256",
  "koi8-r",
  "macintosh",
  "shift_jis",
  "euc-jp",
  "gb18030",
  "big5",
  "euc-kr",
] as const;
export type TableEncoding = (typeof tableEncodings)[number];

type TableText = { readonly text: string; readonly notes: readonly string[] };

const names: Readonly<Partial<Record<TableEncoding, string>>> = {
  "utf-8": "UTF-8",
  latin1: "Latin-1",
  "windows-1252": "Windows-1252",
  "utf-16le": "UTF-16 (little endian)",
  "utf-16be": "UTF-16 (big endian)",
};

const formatName = (encoding: TableEncoding): string => names[encoding] ?? encoding;

/** Throws TypeError for bytes that are not text of this encoding. */
const decode = (bytes: Uint8Array, encoding: TableEncoding): string =>
  encoding === "latin1"
    ? // TextDecoder reads the label latin1 as Windows-1252.
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
    : new TextDecoder(encoding, { fatal: true }).decode(bytes);

/** The encoding that a file's first bytes name. */
export const findByteOrderMark = ([first, second, third]: Uint8Array): TableEncoding | undefined => {
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : undefined;
};

/** UTF-16 without a mark is valid UTF-8 with a NUL beside each letter of ASCII. */
const guessUtf16 = (bytes: Uint8Array): TableEncoding | undefined => {
  const start = bytes.subarray(0, 2_000);
  const zeros = [0, 0];
  for (const [index, byte] of start.entries()) if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (even + odd < start.length / 8) return undefined;
  return odd >= even ? "utf-16le" : "utf-16be";
};

const decodeOrUndefined = (bytes: Uint8Array, encoding: TableEncoding): string | undefined => {
  try {
    return decode(bytes, encoding);
  } catch {
    return undefined;
  }
};

/** The first line that is not UTF-8, and how it reads in Windows-1252. */
const describeFirstLine = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1").split("\n");
  const line = text.findIndex(
    (content) => decodeOrUndefined(Buffer.from(content, "latin1"), "utf-8") === undefined,
  );
  const content = decodeOrUndefined(Buffer.from(text[line] ?? "", "latin1"), "windows-1252") ?? "";
  const at = content.search(/[^\t -~]/);
  const part = content.slice(Math.max(0, at - 20), at + 20).trim();
  return `line ${line + 1} has, read as Windows-1252, ${JSON.stringify(part)}`;
};

/**
 * Decodes a table's bytes: by its byte order mark, as UTF-8, or as `encoding` says. Another encoding cannot be known, only
 * guessed: é in Windows-1252 is ќ in another. Throws NewModelRefused with the question.
 */
export const decodeTableText = (
  bytes: Uint8Array,
  file: string,
  encoding: TableEncoding | undefined,
): TableText => {
  const marked = findByteOrderMark(bytes);
  const chosen = marked ?? encoding ?? "utf-8";
  const guess = marked || encoding ? undefined : guessUtf16(bytes);
  if (guess !== undefined)
    throw new NewModelRefused(
      `${file} has a zero byte beside each letter and no byte order mark: it looks like ${formatName(guess)}`,
      `Add --encoding ${guess} if it is, or write it as UTF-8.`,
    );
  const text = decodeOrUndefined(bytes, chosen);
  if (text === undefined)
    throw marked || encoding
      ? new NewModelRefused(
          `${file} is not ${formatName(chosen)} text`,
          marked
            ? "Its byte order mark says so: write the file again."
            : `Choose another --encoding: ${tableEncodings.join(", ")}.`,
        )
      : new NewModelRefused(
          `${file} is not UTF-8: ${describeFirstLine(bytes)}`,
          `Add --encoding windows-1252 if that is right, another --encoding if not (${tableEncodings.join(", ")}), or write it as UTF-8.`,
        );
  if (text.includes("\0"))
    throw new NewModelRefused(
      `${file} has a NUL character and is no table of text`,
      "Write it as CSV, with encoding utf-8.",
    );
  return {
    text,
    notes:
      chosen === "utf-8"
        ? []
        : [
            `Read ${file} as ${formatName(chosen)}${marked ? ", as its byte order mark says" : ""}. The model gets text as Unicode.`,
          ],
  };
};
