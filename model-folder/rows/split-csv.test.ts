import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CsvBroken, splitCsv } from "./split-csv.ts";

const limits = { records: 100, cells: 100 };
const trySplit = (text: string): string[][] | "broken" => {
  try {
    return splitCsv(text, limits);
  } catch (error) {
    if (error instanceof CsvBroken) return "broken";
    throw error;
  }
};
/** csv-parse as an oracle: the records up to the first with another number of cells. */
const splitWithOracle = (text: string): string[][] | "broken" => {
  try {
    const records: string[][] = parse(text, {
      bom: true,
      skip_empty_lines: true,
      relax_column_count: true,
      record_delimiter: ["\r\n", "\n", "\r"],
    });
    const unequal = records.findIndex(({ length }) => length !== records[0]?.length);
    return unequal < 0 ? records : records.slice(0, unequal + 1);
  } catch {
    return "broken";
  }
};

describe("splitCsv", () => {
  test("returns the same records as csv-parse", () => {
    const piece = fc.constantFrom("a", "b c", "é", "😀", ",", "\n", "\r\n", '"', '""', '","', '"\n"', '"x"');
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(text, (csv) => {
        const expected = splitWithOracle(csv);
        const records = trySplit(csv);
        // Reading stops at an unequal record, so a later error stays unseen.
        if (expected === "broken" && records !== "broken")
          expect(records.at(-1)?.length).not.toBe(records[0]?.length);
        else expect(records).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test("accepts every line ending and a byte order mark", () => {
    expect(trySplit("\ufeffa,b\r\n1,2\n3,4\r5,6\n\n")).toEqual([
      ["a", "b"],
      ["1", "2"],
      ["3", "4"],
      ["5", "6"],
    ]);
    expect(trySplit('""')).toEqual([[""]]);
    expect(trySplit("a,")).toEqual([["a", ""]]);
  });

  test.each(['"a', '"a"b', 'a"b', 'a,"b""'])("refuses %s", (text) => {
    expect(trySplit(text)).toBe("broken");
  });

  test("stops at its limits and after an unequal record", () => {
    expect(splitCsv("1\n2\n3", { records: 2, cells: 9 })).toEqual([["1"], ["2"]]);
    expect(splitCsv(",".repeat(6_000_000), limits)).toEqual([Array(100).fill("")]);
    expect(trySplit('a,b\n1\n"')).toEqual([["a", "b"], ["1"]]);
  });
});
