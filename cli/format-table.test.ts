import { expect, test } from "vitest";
import { formatTable } from "./format-table.ts";

const header = ["model", "image", "url"];
const rows = [
  ["churn", "sha256:0123456789abcdef", "http://127.0.0.1:4748/prod/models/churn"],
  ["transit-time", "sha256:fedcba9876543210", "http://127.0.0.1:4748/prod/models/transit-time"],
];
const format = (width: number | undefined, least: readonly string[] = ["image"]) =>
  formatTable(header, rows, { width, least });

test("in a pipe no cell is cut, however wide the table is", () => {
  const { header: title, lines, hidden } = format(undefined);
  expect(title).toMatch(/^model +image +url$/);
  expect(lines[1]).toBe(rows[1]?.join("  "));
  expect(hidden).toEqual([]);
});

test("the least important column is shortened first, then left out and named", () => {
  const shortened = format(76);
  expect(shortened.lines[1]).toBe(
    "transit-time  sha256:fedcba…  http://127.0.0.1:4748/prod/models/transit-time",
  );
  expect(Math.max(...shortened.lines.map(({ length }) => length))).toBeLessThanOrEqual(76);
  const hidden = format(60);
  expect(hidden.hidden).toEqual(["image"]);
  expect(hidden.lines[0]).toBe("churn         http://127.0.0.1:4748/prod/models/churn");
});

test("a terminal that is too narrow for the important columns gets records with every value", () => {
  expect(format(40)).toEqual({
    header: undefined,
    hidden: [],
    lines: [
      "model  churn",
      "image  sha256:0123456789abcdef",
      "url    http://127.0.0.1:4748/prod/models/churn",
      "",
      "model  transit-time",
      "image  sha256:fedcba9876543210",
      "url    http://127.0.0.1:4748/prod/models/transit-time",
    ],
  });
});

test("a long text in a record goes on below itself, and an address stays whole", () => {
  const text = "approved by Ada; prod was closed, and Kim let it: the fix of an outage";
  const { lines } = formatTable(
    ["version", "reason", "url"],
    [["3", text, "http://127.0.0.1:4748/prod/models/transit-time"]],
    { width: 40, least: [] },
  );
  expect(lines).toEqual([
    "version  3",
    "reason   approved by Ada; prod was",
    "         closed, and Kim let it: the fix",
    "         of an outage",
    "url      http://127.0.0.1:4748/prod/models/transit-time",
  ]);
});

test("every line of a table fits each width from its records to its full width", () => {
  for (let width = 40; width <= 120; width++) {
    const { header: title, lines } = format(width);
    if (title !== undefined)
      for (const line of [title, ...lines])
        expect(line.length, `${width}: ${line}`).toBeLessThanOrEqual(width);
  }
});

test("characters of two columns and colours are counted as a terminal shows them", () => {
  const { lines } = formatTable(
    ["reason", "by"],
    [
      ["遅い応答", "ada"],
      ["\u001b[31mslow\u001b[39m", "bob"],
    ],
    { width: 14, least: ["reason"] },
  );
  expect(lines).toEqual(["遅い応答  ada", "\u001b[31mslow\u001b[39m      bob"]);
  expect(formatTable(["a"], [["遅い応答は遅い"]], { width: 10, least: ["a"] }).lines).toEqual(["遅い応答…"]);
});
