import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "#inference/app.ts";
import { HttpProblem } from "#inference/http/http-problem.ts";
import { RowsInvalid } from "#inference/model/rows-invalid.ts";
import { PredictResponse } from "#inference/native/predict-response.ts";
import type { Service } from "#inference/service.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { buildManifest, readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createChurnService } from "#test/support/onnx/churn-service.ts";
import { readCsv } from "./read-csv.ts";
import { writeCsv } from "./write-csv.ts";

let service: Service;
beforeAll(async () => {
  service = await createChurnService();
});
afterAll(() => service.model.release());

const manifest = buildManifest({
  inputs: [
    { name: "age", type: "integer", min: 0, max: 120 },
    { name: "charge", type: "number", min: -1e9, max: 1e9, required: false },
    { name: "note", type: "string", maxLength: 100 },
    { name: "loyal", type: "boolean", required: false },
  ],
});
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const rows: Record<string, string | number | boolean | null>[] = readChurnGolden().rows;
const names = Object.keys(rows[0] ?? {});
const csvOf = (some: typeof rows, columns = names) =>
  [
    columns.map(quoted).join(","),
    ...some.map((row) => columns.map((name) => quoted(String(row[name] ?? ""))).join(",")),
  ].join("\n");
const post = (body: string, headers: Record<string, string> = {}) =>
  createAppClient(createApp(service)).request("/v1/predict", {
    method: "POST",
    body,
    headers: { "content-type": "text/csv", ...headers },
  });

describe("a table of rows", () => {
  test("gets the same predictions as in JSON, with its columns in any order", async () => {
    const json = await service.model.predict(rows);
    const answered = PredictResponse.parse(await (await post(csvOf(rows, [...names].reverse()))).json());
    expect(answered.predictions).toEqual(json);
  });

  test("gets a CSV response if the client accepts it", async () => {
    const response = await post(csvOf(rows), { accept: "text/csv" });
    expect(response.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
    const table: Record<string, string>[] = parse(await response.text(), { columns: true });
    const json = await service.model.predict(rows);
    expect(table).toEqual(
      json.map(({ label, band, scores }) => ({
        label,
        band,
        "score.stay": String(scores.stay),
        "score.churn": String(scores.churn),
      })),
    );
  });

  test.each([
    ["with a column that is no input", "age,note,x\n1,a,2", [{ input: "x", detail: "unknown column" }]],
    ["without a required column", "age\n1", [{ input: "note", detail: "required column is missing" }]],
    ["with a column twice", "age,note,age\n1,a,2", [{ input: "age", detail: "duplicate column" }]],
    ["with a short line", "age,note\n1,a\n2", [{ row: 1, detail: "has 1 cells, but there are 2 columns" }]],
  ])("%s is refused", (_, text, problems) => {
    const refused = (() => {
      try {
        return readCsv(manifest)(text, { header: true });
      } catch (error) {
        return error;
      }
    })();
    expect(refused).toBeInstanceOf(RowsInvalid);
    expect(refused).toMatchObject({ problems });
  });

  test.each([
    ["an open quote", '"a', 400, undefined],
    ["bytes that are not UTF-8", "\xff", 422, undefined],
    ["nothing", "", 422, undefined],
    ["a header alone", csvOf([]), 422, "/rows"],
    ["text where a number belongs", csvOf([{ ...rows[0], tenure: "old" }]), 422, "/rows/0/tenure"],
    ["1e400", csvOf([{ ...rows[0], tenure: "1e400" }]), 422, "/rows/0/tenure"],
    ["NaN", csvOf([{ ...rows[0], tenure: "NaN" }]), 422, "/rows/0/tenure"],
    [
      "a header of 100,000 names",
      Array.from({ length: 100_000 }, (_, at) => `c${at}`).join(","),
      422,
      undefined,
    ],
    ["a line of 6 million commas", ",".repeat(6_000_000), 422, undefined],
    ["10,001 rows", csvOf(Array(10_001).fill(rows[0])), 422, "/rows"],
  ])("%s is a problem with a pointer", async (_, text, status, pointer) => {
    const response = await post(text);
    const problem = HttpProblem.parse(await response.json());
    expect(response.status).toBe(status);
    if (pointer) expect(problem.errors).toMatchObject([{ pointer }]);
  });

  test("of any text, with or without a header, gives rows or a refusal, never an unexpected error", () => {
    const line = fc.array(fc.oneof(fc.string(), fc.constantFrom("age", "note", "1", '"', "\0", "")), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(line).map((lines) => lines.map((cells) => cells.join(",")).join("\n")),
        ),
        fc.boolean(),
        (text, header) => {
          try {
            const read = readCsv(manifest)(text, { header });
            expect("rows" in read || HttpProblem.parse(read).status === 400).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(RowsInvalid);
          }
        },
      ),
    );
  });

  test("that was written from any values is read back unchanged", () => {
    const value = fc.record({
      age: fc.integer({ min: 0, max: 120 }),
      charge: fc.option(fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((number) => number + 0)),
      note: fc.string({ unit: "grapheme", maxLength: 20 }),
      loyal: fc.option(fc.boolean()),
    });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        const text = csvOf(values, ["age", "charge", "note", "loyal"]);
        expect(readCsv(manifest)(text, { header: true })).toEqual({ rows: values });
      }),
    );
  });
});

test("labels and names with commas and quotes stay in their cell", () => {
  const odd = buildManifest({ output: { labels: ['a "b"', "c,d"], positive: "c,d" } });
  const text = writeCsv(odd)([{ label: "c,d", scores: { 'a "b"': 0.25, "c,d": 0.75 } }], { header: true });
  expect(parse(text)).toEqual([
    ["label", 'score.a "b"', "score.c,d"],
    ["c,d", "0.25", "0.75"],
  ]);
});
