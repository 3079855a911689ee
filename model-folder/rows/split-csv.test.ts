import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CsvBroken, splitCsv } from "./split-csv.ts";

const limits = { records: 100, cells: 100 };
const attempt = (text: string): string[][] | "broken" => {
  try {
    return splitCsv(text, limits);
  } catch (error) {
    if (error instanceof CsvBroken) return "broken";
    throw error;
  }
};
/** csv-parse as an oracle: the records up to the first that is torn. */
const oracle = (text: string): string[][] | "broken" => {
  try {
    const records: string[][] = parse(text, {
      bom: true,
      skip_empty_lines: true,
      relax_column_count: true,
      record_delimiter: ["\r\n", "\n", "\r"],
    });
    const torn = records.findIndex(({ length }) => length !== records[0]?.length);
    return torn < 0 ? records : records.slice(0, torn + 1);
  } catch {
    return "broken";
  }
};

describe("splitCsv", () => {
  test("reads what csv-parse reads", () => {
    const piece = fc.constantFrom("a", "b c", "é", "😀", ",", "\n", "\r\n", '"', '""', '","', '"\n"', '"x"');
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(text, (some) => {
        const expected = oracle(some);
        const read = attempt(some);
        // What is torn ends our reading, and what is broken behind it is not looked at.
        if (expected === "broken" && read !== "broken") expect(read.at(-1)?.length).not.toBe(read[0]?.length);
        else expect(read).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test("takes each way to end a line, and a byte order mark", () => {
    expect(attempt("\ufeffa,b\r\n1,2\n3,4\r5,6\n\n")).toEqual([
      ["a", "b"],
      ["1", "2"],
      ["3", "4"],
      ["5", "6"],
    ]);
    expect(attempt('""')).toEqual([[""]]);
    expect(attempt("a,")).toEqual([["a", ""]]);
  });

  test.each(['"a', '"a"b', 'a"b', 'a,"b""'])("refuses %s", (text) => {
    expect(attempt(text)).toBe("broken");
  });

  test("stops at its limits, and behind a torn record", () => {
    expect(splitCsv("1\n2\n3", { records: 2, cells: 9 })).toEqual([["1"], ["2"]]);
    expect(splitCsv(",".repeat(6_000_000), limits)).toEqual([Array(100).fill("")]);
    expect(attempt('a,b\n1\n"')).toEqual([["a", "b"], ["1"]]);
  });
});
