import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Input } from "#model-folder/manifest/manifest.ts";
import type { ColumnElement } from "#model-folder/onnx/bind-inputs.ts";
import { checkRows } from "#model-folder/rows/check-rows.ts";
import { isMissing, parseCell } from "./csv-cells.ts";
import { inferInput } from "./infer-input.ts";
import { matchColumns, matchTextColumns } from "./match-columns.ts";
import { NewModelRefused } from "./new-model-refused.ts";

const infer = (element: ColumnElement, cells: readonly string[], inMatrix = true) =>
  inferInput({ name: "x", column: "x", element, inMatrix }, cells);
const elements = ["float32", "float64", "int32", "int64", "bool", "string"] as const;

describe("a column's input", () => {
  test.each([
    ["float32", ["1", "2.5"], { type: "number" }],
    ["float32", ["1", "60.0"], { type: "number" }],
    ["float32", ["1", "2"], { type: "integer" }],
    ["int64", ["1.0", "2.0"], { type: "integer" }],
    ["float32", ["1e3", "NA", "-.5"], { type: "number", required: false }],
    ["float32", ["True", "false"], { type: "boolean", required: true }],
    ["bool", ["0", "1"], { type: "boolean" }],
    ["int64", ["1", ""], { type: "integer", required: true }],
    ["float32", ["b", "a", "b"], { type: "category", values: ["a", "b"] }],
    ["string", ["3", "1", ""], { type: "category", values: ["1", "3"], required: false }],
    ["string", ["NA", "DE"], { type: "category", values: ["DE", "NA"], required: true }],
    ["string", Array.from({ length: 40 }, (_, at) => `sentence ${at}`), { type: "string", maxLength: 100 }],
  ] as const)("of %s from %j", (element, cells, expected) =>
    expect(infer(element, [...cells]).input).toMatchObject(expected),
  );

  test.each([
    ["1,000", "2,500.5", "thousands separators"],
    ["1.000,5", "12.500", "thousands separators"],
    ["1'000", "2'000", "thousands separators"],
    ["10%", "20 %", "percent signs"],
    ["$5.00", "$6", "signs of a currency"],
    ["5,00 €", "6 €", "signs of a currency"],
    ["2024-01-05", "2024-02-05", "holds dates"],
    ["05.01.2024", "06.01.2024", "holds dates"],
    ["1", "?", '"?" in 6 of 12 rows'],
    ["2.5", "unknown", '"unknown" in 6 of 12 rows'],
  ])("is not the index of texts that a reader takes for numbers: %s, %s", (one, other, message) =>
    expect(() =>
      infer(
        "float32",
        Array.from({ length: 12 }, (_, at) => (at % 2 ? one : other)),
      ),
    ).toThrow(message),
  );

  test("of texts with a number in them keeps them as a category", () =>
    expect(infer("float32", ["1st", "2nd", "3+", "2"]).input).toMatchObject({ type: "category" }));

  test("accepts every cell of its column, or is refused", () => {
    const cell = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 12 }),
      fc.double().map(String),
      fc.integer().map(String),
      fc.constantFrom(
        "",
        "NA",
        "true",
        "False",
        "0",
        "1",
        "1e308",
        "-1e308",
        "9007199254740993",
        "yes",
        "x".repeat(300),
      ),
    );
    const column = fc.oneof(
      fc.array(cell, { minLength: 1, maxLength: 30 }),
      fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }).map(String), {
        minLength: 1,
        maxLength: 30,
      }),
      fc.array(fc.maxSafeInteger().map(String), { minLength: 1, maxLength: 30 }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...elements), column, fc.boolean(), (element, cells, inMatrix) => {
        try {
          const { input } = infer(element, cells, inMatrix);
          expect(Input.parse(input)).toEqual(input);
          const usable = cells.filter((text) => !input.required || !isMissing(text, element === "string"));
          const bad = checkRows({ inputs: [input] })(usable.map((text) => ({ x: parseCell(text, input) })));
          // The check of the rows itself reports characters that no text for a model may contain.
          expect(bad.filter(({ detail }) => !/surrogate|NUL/.test(detail))).toEqual([]);
        } catch (error) {
          expect(error).toBeInstanceOf(NewModelRefused);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("columns are matched with the graph", () => {
  const input = (name: string, width: number | null, type: "float32" | "string" = "float32") =>
    ({ name, kind: "tensor", type, shape: [null, width] }) as const;
  const isText = (column: string) => column.startsWith("t");

  test("by names that exporters changed", () => {
    const { matches, guesses } = matchColumns(
      [input("petal_width_cm_", 1), input("b", 1)],
      ["b", "petal width (cm)"],
      isText,
    );
    expect(matches.map(({ name, column }) => [name, column])).toEqual([
      ["petal_width_cm_", "petal width (cm)"],
      ["b", "b"],
    ]);
    expect(guesses).toEqual(["the column petal width (cm) is the graph's input petal_width_cm_"]);
  });

  test("but not with what transformers makes itself: the message names it", () => {
    const positions = { name: "position_ids", kind: "tensor", type: "int64", shape: [null, null] } as const;
    expect(() => matchTextColumns([positions], ["t"], isText)).toThrow(
      /neither a tokenizer nor a column of the CSV fills the graph's input position_ids.*input_ids, attention_mask/,
    );
  });

  test("text to the matrix of text and numbers to that of numbers, each in the CSV's order", () => {
    const { matches } = matchColumns(
      [input("n", 2), input("s", 2, "string")],
      ["t1", "a", "t2", "b"],
      isText,
    );
    expect(matches.map(({ column, element }) => `${column} ${element}`)).toEqual([
      "a float32",
      "b float32",
      "t1 string",
      "t2 string",
    ]);
  });

  test("and keep their names, without what nobody could see, each once", () => {
    const columns = ["0", "sepal length (cm)", "od280/od315", "Größe", "label", "a\nb", "a b"];
    expect(matchColumns([input("X", 7)], columns, isText).matches.map(({ name }) => name)).toEqual([
      "0",
      "sepal length (cm)",
      "od280/od315",
      "Größe",
      "label",
      "a b",
      "a b_2",
    ]);
  });
});
