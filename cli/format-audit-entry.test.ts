import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import stringWidth from "string-width";
import { expect, test } from "vitest";
import { formatAuditEntry } from "./format-audit-entry.ts";

const entry = {
  ...{ sequence: 12, at: "2026-11-30T08:14:32.725Z", kind: "question-withdrawn", version: 12 },
  ...{ delivery: "churn-03e2c8fbe61b-264a5608", hash: "3f9c1a2b4d5e6f70".repeat(4) },
  detail: { name: "Ada", reason: "labels are wrong, and recall fell", via: "command", account: "arn:ada" },
};
const format = (width: number | undefined, change: Partial<typeof entry> = {}) =>
  formatAuditEntry({ ...entry, ...change }, width).map((line) => stripVTControlCharacters(line));

test("at 80 columns an entry is a line of facts, and below it what it is about", () => {
  expect(format(80)).toEqual([
    "  12  2026-11-30 08:14:32  question-withdrawn v12    3f9c1a2b4d5e6f70",
    "      churn-03e2c8fbe61b-264a5608",
    "      Ada, labels are wrong, and recall fell, by the command line, as arn:ada",
  ]);
});

test("a pipe gets a line for each entry", () => {
  expect(format(undefined)).toHaveLength(1);
});

test("no line is wider than the terminal, unless a word is, and no word is lost", () => {
  const word = fc.stringMatching(/^[a-zäß漢]{1,12}$/);
  fc.assert(
    fc.property(
      fc.integer({ min: 40, max: 200 }),
      fc.array(word, { minLength: 1, maxLength: 60 }),
      (width, words) => {
        const lines = format(width, { detail: { ...entry.detail, reason: words.join(" ") } });
        for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
        const text = lines.join(" ").split(/\s+/);
        for (const each of words) expect(text.some((shown) => shown.startsWith(each))).toBe(true);
      },
    ),
  );
});
