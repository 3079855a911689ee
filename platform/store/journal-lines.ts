import { crc32 } from "node:zlib";
import * as z from "zod";
import { parseJson } from "#untrusted/parse-json.ts";
import {
  assertWholeNumbers,
  type CounterAddition,
  type Entry,
  encodeEntry,
  type Json,
  type WriteBatch,
} from "./store.ts";

/** The first line of a journal: its format. */
export const journalHeader = "slipway write journal 1\n";

const key = [z.string(), z.string()] as const;
const expiresAt = z.number().nullable();
const value = z.custom<Json>((json) => json !== undefined);
const Payload = z.tuple([
  z.array(z.tuple([...key, expiresAt, value])),
  z.array(z.tuple([...key, expiresAt, z.record(z.string(), z.int())])),
]);

/** A batch of the journal; `number` grows with each batch. */
export type JournalEntry = { readonly number: number; readonly batch: WriteBatch };

const formatKey = ({ partition, sort }: { readonly partition: string; readonly sort: string }): string =>
  `${JSON.stringify(partition)},${JSON.stringify(sort)}`;

const encodeLine = (entry: Entry): Entry => {
  const json = encodeEntry(entry);
  if ("json" in entry && !json.includes("\n")) return entry;
  const line = json.includes("\n") ? JSON.stringify(parseJson(json)) : json;
  return entry.expiresAt === undefined
    ? { key: entry.key, json: line }
    : { key: entry.key, json: line, expiresAt: entry.expiresAt };
};

/** Returns a batch with each item as JSON on one line; throws ItemTooLarge. */
export const encodeBatch = ({ entries, additions }: WriteBatch): WriteBatch => ({
  entries: entries.map(encodeLine),
  additions,
});

/** Requests that count the same share one addition, which is checked and formatted once. */
const additionTexts = new WeakMap<CounterAddition, string>();
const formatAddition = (addition: CounterAddition): string => {
  const known = additionTexts.get(addition);
  if (known !== undefined) return known;
  const { key, expiresAt, amounts } = addition;
  assertWholeNumbers(amounts);
  const text = `[${formatKey(key)},${expiresAt ?? null},${JSON.stringify(amounts)}]`;
  additionTexts.set(addition, text);
  return text;
};

/** Where an item's JSON stands in a line, in characters. */
export type JournalSpan = { readonly start: number; readonly length: number };
export type JournalLine = { readonly text: string; readonly spans: readonly JournalSpan[] };

const checksumLength = 8;

/** Formats a batch as a line of the journal: checksum, number, JSON. Throws RangeError for an amount that is not a whole number. */
export const formatJournalLine = ({ number, batch }: JournalEntry): JournalLine => {
  let entries = "";
  const before = `${number} [[`;
  const spans: JournalSpan[] = [];
  for (const entry of batch.entries) {
    entries += `${entries === "" ? "" : ","}[${formatKey(entry.key)},${entry.expiresAt ?? null},`;
    const json = encodeEntry(entry);
    spans.push({ start: checksumLength + 1 + before.length + entries.length, length: json.length });
    entries += `${json}]`;
  }
  const text = `${before}${entries}],[${batch.additions.map(formatAddition).join()}]]`;
  return { text: `${crc32(text).toString(16).padStart(checksumLength, "0")} ${text}\n`, spans };
};

const parseLine = (line: string): JournalEntry | undefined => {
  const [, checksum = "", number, payload = ""] = line.match(/^([0-9a-f]{8}) (\d{1,15}) (.*)$/s) ?? [];
  if (number === undefined || Number.parseInt(checksum, 16) !== crc32(line.slice(9))) return undefined;
  const [entries, additions] = Payload.parse(parseJson(payload));
  return {
    number: Number(number),
    batch: {
      entries: entries.map(([partition, sort, expiresAt, value]) => ({
        key: { partition, sort },
        json: JSON.stringify(value),
        ...(expiresAt === null ? {} : { expiresAt }),
      })),
      additions: additions.map(([partition, sort, expiresAt, amounts]) => ({
        key: { partition, sort },
        amounts,
        ...(expiresAt === null ? {} : { expiresAt }),
      })),
    },
  };
};

/**
 * Parses the lines after the header, up to the first that is incomplete, damaged or not newer than the one before it: a
 * killed process may have written half of its last lines, which no response has confirmed. `ignored` is the number of
 * characters after that.
 */
export const parseJournalLines = (
  text: string,
): { readonly entries: readonly JournalEntry[]; readonly ignored: number } => {
  const entries: JournalEntry[] = [];
  let start = 0;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
    const entry = parseLine(text.slice(start, end));
    if (!entry || entry.number <= (entries.at(-1)?.number ?? 0)) break;
    entries.push(entry);
    start = end + 1;
  }
  return { entries, ignored: text.length - start };
};
