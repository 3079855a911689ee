import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Input } from "#model-folder/manifest/manifest.ts";
import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import { readChurnGolden, readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { encodeRows } from "./encode-rows.ts";
import { rowPointer } from "./row-problem.ts";

const column = (definition: unknown, element: Column["feed"]["element"]): Column => {
  const input = Input.parse(definition);
  return { input, feed: { name: input.name, element, rank: 2, width: 1 }, offset: 0 };
};
const columns: Column[] = [
  column({ name: "age", type: "integer", min: 0, max: 120 }, "float32"),
  column({ name: "charge", type: "number", min: -1e39, max: 1e39, required: false }, "float32"),
  column({ name: "plan", type: "category", values: ["a", "b"] }, "string"),
  column({ name: "city", type: "category", values: ["x"], unknown: "map", required: false }, "string"),
  column({ name: "note", type: "string", maxLength: 10, required: false }, "string"),
  column({ name: "loyal", type: "boolean" }, "float32"),
  column({ name: "constructor", type: "integer", min: 0, max: 9, required: false }, "float64"),
  column({ name: "count", type: "integer", min: -9e15, max: 9e15 }, "int64"),
];
const validRow = { age: 3, charge: 1.5, plan: "a", city: "x", note: "n", loyal: true, count: 7 };
const encode = encodeRows(columns);
const findProblems = (rows: unknown) => {
  const encoded = encode(rows);
  return encoded.status === "invalid"
    ? encoded.problems.map((problem) => ({ pointer: rowPointer("/rows")(problem), detail: problem.detail }))
    : [];
};
const encodeInput = (rows: unknown, name: string) => {
  const encoded = encode(rows);
  if (encoded.status === "invalid") throw new Error(JSON.stringify(encoded.problems));
  return encoded.feeds.find((one) => one.name === name)?.data;
};
const parseJson = (json: string): unknown => JSON.parse(json);

describe("encodeRows", () => {
  test("encodes each input as one column in the graph's element type", () => {
    const encoded = encode([validRow, { ...validRow, age: 4, loyal: false }]);
    expect(encoded).toMatchObject({ status: "encoded", rows: 2 });
    expect(encodeInput([validRow, { ...validRow, age: 4 }], "age")).toEqual(Float32Array.of(3, 4));
    expect(encodeInput([validRow], "count")).toEqual(BigInt64Array.of(7n));
    expect(encodeInput([validRow], "loyal")).toEqual(Float32Array.of(1));
    expect(encodeInput([validRow], "plan")).toEqual(["a"]);
  });

  test("encodes a missing optional number as NaN and a missing optional text as empty", () => {
    const { charge: _, note: __, ...bare } = validRow;
    expect(encodeInput([bare], "charge")).toEqual(Float32Array.of(Number.NaN));
    expect(encodeInput([{ ...bare, charge: null }], "charge")).toEqual(Float32Array.of(Number.NaN));
    expect(encodeInput([bare], "note")).toEqual([""]);
  });

  test("reads an input named like an inherited property from the row only", () => {
    expect(encodeInput([validRow], "constructor")).toEqual(Float64Array.of(Number.NaN));
    expect(encodeInput([{ ...validRow, constructor: 4 }], "constructor")).toEqual(Float64Array.of(4));
  });

  test.each([
    ["a missing value", { ...validRow, age: undefined }, "/rows/0/age", /required/],
    ["null where a value is required", { ...validRow, age: null }, "/rows/0/age", /required/],
    ["text for a number", { ...validRow, age: "3" }, "/rows/0/age", /integer/],
    ["a fraction for an integer", { ...validRow, age: 3.5 }, "/rows/0/age", /integer/],
    ["a number below min", { ...validRow, age: -1 }, "/rows/0/age", /between 0 and 120/],
    [
      "1e400, which JSON reads as Infinity",
      { ...validRow, charge: parseJson("1e400") },
      "/rows/0/charge",
      /finite/,
    ],
    [
      "a number that a 32 bit float cannot hold",
      { ...validRow, charge: 3.5e38 },
      "/rows/0/charge",
      /between/,
    ],
    ["an unknown category", { ...validRow, plan: "c" }, "/rows/0/plan", /one of "a", "b"/],
    ["half a surrogate pair", { ...validRow, city: "\ud800" }, "/rows/0/city", /surrogate/],
    ["a NUL, which would truncate the text", { ...validRow, city: "x\0y" }, "/rows/0/city", /NUL/],
    ["text that is too long", { ...validRow, note: "12345678901" }, "/rows/0/note", /at most 10/],
    ["a number for a boolean", { ...validRow, loyal: 1 }, "/rows/0/loyal", /true or false/],
    ["an unknown field", { ...validRow, "a/b~c": 1 }, "/rows/0/a~1b~0c", /unknown field/],
    [
      "__proto__ as a field",
      parseJson(JSON.stringify(validRow).replace("{", '{"__proto__":{"age":1},')),
      "/rows/0/__proto__",
      /unknown field/,
    ],
    ["a row that is a list", [1], "/rows/0", /object/],
  ])("reports %s with a pointer", (_, row, pointer, detail) => {
    expect(findProblems([row])).toEqual([{ pointer, detail: expect.stringMatching(detail) }]);
  });

  test("passes an unknown category to the model if the manifest says map", () => {
    expect(encodeInput([{ ...validRow, city: "elsewhere" }], "city")).toEqual(["elsewhere"]);
  });

  test("accepts 1 to 10,000 rows", () => {
    expect(findProblems([])).toMatchObject([{ pointer: "/rows" }]);
    expect(findProblems(Array(10_001).fill(validRow))).toMatchObject([{ pointer: "/rows" }]);
    expect(findProblems({ length: 1 })).toMatchObject([{ pointer: "/rows" }]);
    expect(encode(Array(10_000).fill(validRow)).status).toBe("encoded");
  });

  test("reports at most 100 problems, with shortened names", () => {
    const row = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${"x".repeat(1_000)}${at}`, 1]));
    const problems = findProblems(Array(10).fill(row));
    expect(problems).toHaveLength(100);
    expect(JSON.stringify(problems).length).toBeLessThan(40_000);
  });

  test("returns finite columns for required inputs or problems for any JSON, and never throws", () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.double(),
      fc.string({ unit: "binary" }),
      fc.constantFrom("a", "x", 1, 0, true, null, 1e39),
    );
    const row = fc.oneof(
      fc.jsonValue(),
      fc.record(
        { age: value, charge: value, plan: value, city: value, note: value, loyal: value, count: value },
        { requiredKeys: [] },
      ),
      fc.record({ age: value, charge: value }).map((changes) => ({ ...validRow, ...changes })),
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("__proto__", "age", "toString")), value),
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.array(row, { maxLength: 5 })), (rows) => {
        const encoded = encode(rows);
        if (encoded.status === "invalid") {
          expect(encoded.problems.length).toBeGreaterThan(0);
          return;
        }
        for (const { name, data } of encoded.feeds)
          if (!["charge", "constructor"].includes(name))
            for (const one of data) expect(typeof one === "number" ? Number.isFinite(one) : true).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("accepts churn's golden rows", () => {
    const bound = readChurnManifest().inputs.map((input) =>
      column(input, input.type === "category" ? "string" : "float32"),
    );
    expect(encodeRows(bound)(readChurnGolden().rows).status).toBe("encoded");
  });
});
