import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Input } from "#model-folder/manifest/manifest.ts";
import type { Column } from "#model-folder/onnx/bind-inputs.ts";
import { readChurnGolden, readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { encodeRows } from "./encode-rows.ts";
import { rowPointer } from "./row-problem.ts";

const column = (given: unknown, element: Column["feed"]["element"]): Column => {
  const input = Input.parse(given);
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
const good = { age: 3, charge: 1.5, plan: "a", city: "x", note: "n", loyal: true, count: 7 };
const encode = encodeRows(columns);
const problemsOf = (rows: unknown) => {
  const encoded = encode(rows);
  return encoded.status === "invalid"
    ? encoded.problems.map((problem) => ({ pointer: rowPointer("/rows")(problem), detail: problem.detail }))
    : [];
};
const dataOf = (rows: unknown, name: string) => {
  const encoded = encode(rows);
  if (encoded.status === "invalid") throw new Error(JSON.stringify(encoded.problems));
  return encoded.feeds.find((one) => one.name === name)?.data;
};
const parsed = (json: string): unknown => JSON.parse(json);

describe("encodeRows", () => {
  test("gives one typed column an input, in the element type that the graph takes", () => {
    const encoded = encode([good, { ...good, age: 4, loyal: false }]);
    expect(encoded).toMatchObject({ status: "encoded", rows: 2 });
    expect(dataOf([good, { ...good, age: 4 }], "age")).toEqual(Float32Array.of(3, 4));
    expect(dataOf([good], "count")).toEqual(BigInt64Array.of(7n));
    expect(dataOf([good], "loyal")).toEqual(Float32Array.of(1));
    expect(dataOf([good], "plan")).toEqual(["a"]);
  });

  test("a missing number that is not required reaches the model as NaN, missing text as empty", () => {
    const { charge: _, note: __, ...bare } = good;
    expect(dataOf([bare], "charge")).toEqual(Float32Array.of(Number.NaN));
    expect(dataOf([{ ...bare, charge: null }], "charge")).toEqual(Float32Array.of(Number.NaN));
    expect(dataOf([bare], "note")).toEqual([""]);
  });

  test("an input named like something that objects inherit is read from the row alone", () => {
    expect(dataOf([good], "constructor")).toEqual(Float64Array.of(Number.NaN));
    expect(dataOf([{ ...good, constructor: 4 }], "constructor")).toEqual(Float64Array.of(4));
  });

  test.each([
    ["a missing value", { ...good, age: undefined }, "/rows/0/age", /required/],
    ["null where a value is required", { ...good, age: null }, "/rows/0/age", /required/],
    ["text for a number", { ...good, age: "3" }, "/rows/0/age", /integer/],
    ["a fraction for an integer", { ...good, age: 3.5 }, "/rows/0/age", /integer/],
    ["a number below min", { ...good, age: -1 }, "/rows/0/age", /between 0 and 120/],
    ["1e400, which JSON reads as Infinity", { ...good, charge: parsed("1e400") }, "/rows/0/charge", /finite/],
    ["a number that a 32 bit float cannot hold", { ...good, charge: 3.5e38 }, "/rows/0/charge", /between/],
    ["an unknown category", { ...good, plan: "c" }, "/rows/0/plan", /one of "a", "b"/],
    ["half a surrogate pair", { ...good, city: "\ud800" }, "/rows/0/city", /surrogate/],
    ["a NUL, which would cut the text off", { ...good, city: "x\0y" }, "/rows/0/city", /NUL/],
    ["text that is too long", { ...good, note: "12345678901" }, "/rows/0/note", /at most 10/],
    ["a number for a boolean", { ...good, loyal: 1 }, "/rows/0/loyal", /true or false/],
    ["a column that is no input", { ...good, "a/b~c": 1 }, "/rows/0/a~1b~0c", /no input/],
    [
      "__proto__ as a column",
      parsed(JSON.stringify(good).replace("{", '{"__proto__":{"age":1},')),
      "/rows/0/__proto__",
      /no input/,
    ],
    ["a row that is a list", [1], "/rows/0", /object/],
  ])("%s is a problem with a pointer", (_, row, pointer, detail) => {
    expect(problemsOf([row])).toEqual([{ pointer, detail: expect.stringMatching(detail) }]);
  });

  test("an unknown category reaches the model where the manifest maps it", () => {
    expect(dataOf([{ ...good, city: "elsewhere" }], "city")).toEqual(["elsewhere"]);
  });

  test("1 to 10,000 rows are taken", () => {
    expect(problemsOf([])).toMatchObject([{ pointer: "/rows" }]);
    expect(problemsOf(Array(10_001).fill(good))).toMatchObject([{ pointer: "/rows" }]);
    expect(problemsOf({ length: 1 })).toMatchObject([{ pointer: "/rows" }]);
    expect(encode(Array(10_000).fill(good)).status).toBe("encoded");
  });

  test("at most 100 problems are told, with names cut short", () => {
    const row = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${"x".repeat(1_000)}${at}`, 1]));
    const problems = problemsOf(Array(10).fill(row));
    expect(problems).toHaveLength(100);
    expect(JSON.stringify(problems).length).toBeLessThan(40_000);
  });

  test("any JSON gives columns without NaN for required inputs, or problems; never an error", () => {
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
      fc.record({ age: value, charge: value }).map((changes) => ({ ...good, ...changes })),
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

  test("churn's golden rows fit its manifest", () => {
    const bound = readChurnManifest().inputs.map((input) =>
      column(input, input.type === "category" ? "string" : "float32"),
    );
    expect(encodeRows(bound)(readChurnGolden().rows).status).toBe("encoded");
  });
});
