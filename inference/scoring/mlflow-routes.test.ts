import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { createApp } from "#inference/app.ts";
import { HttpProblem } from "#inference/http/http-problem.ts";
import type { Service } from "#inference/service.ts";
import type { Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { createAppClient } from "#test/support/http/app-client.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createChurnService } from "#test/support/onnx/churn-service.ts";
import { createTestService } from "#test/support/onnx/create-test-service.ts";
import { loadSmallModel, smallModels } from "#test/support/onnx/small-models.ts";

let service: Service;
let app: ReturnType<typeof createAppClient>;
const failures: string[] = [];
beforeAll(async () => {
  const { model } = await createChurnService();
  service = createTestService(model, (line) => failures.push(line));
  app = createAppClient(createApp(service));
});
afterAll(() => service.model.release());

const rows: Row[] = readChurnGolden().rows.slice(0, 6);
const names = Object.keys(rows[0] ?? {});
const listOf = (row: Row, columns = names) => columns.map((name) => row[name]);
const columnsOf = (some: readonly Row[], cell: (value: unknown) => unknown = (value) => value) =>
  Object.fromEntries(Object.keys(some[0] ?? {}).map((name) => [name, some.map((row) => cell(row[name]))]));

/** Each way to say the same rows in JSON; `inputs` of one row as its values takes the first row alone. */
const forms: Readonly<Record<string, (some: readonly Row[]) => Record<string, unknown>>> = {
  "dataframe_split with columns in another order and an index": (some) => {
    const columns = Object.keys(some[0] ?? {}).toReversed();
    return {
      dataframe_split: {
        index: some.map((_, at) => `i${at}`),
        columns,
        data: some.map((row) => listOf(row, columns)),
      },
    };
  },
  "dataframe_split without columns": (some) => ({
    dataframe_split: { data: some.map((row) => Object.values(row)) },
  }),
  dataframe_records: (some) => ({ dataframe_records: some }),
  "instances as records": (some) => ({ instances: some }),
  "instances as lists": (some) => ({ instances: some.map((row) => Object.values(row)) }),
  "instances with features": (some) => ({ instances: some.map((row) => ({ features: Object.values(row) })) }),
  "instances of every kind": (some) => ({
    instances: some.map((row, at) => [row, Object.values(row), { features: Object.values(row) }][at % 3]),
  }),
  "inputs as columns": (some) => ({ inputs: columnsOf(some) }),
  "inputs as columns [N, 1]": (some) => ({ inputs: columnsOf(some, (value) => [value]) }),
  "inputs as records": (some) => ({ inputs: some }),
  "inputs as lists": (some) => ({ inputs: some.map((row) => Object.values(row)) }),
  "inputs as the values of one row": (some) => ({ inputs: some[0] }),
};
const everyForm = Object.entries(forms);

const post = (body: unknown, headers: Record<string, string> = {}, path = "/invocations", to = app) =>
  to.request(path, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
const Predictions = z.object({
  predictions: z.array(z.record(z.string(), z.union([z.string(), z.number()]))),
});
const answered = async (response: Response) => Predictions.parse(await response.json()).predictions;
const recordOf = ({ label, band, scores }: Prediction) =>
  Object.fromEntries(Object.entries({ label, band, ...scores }).filter(([, value]) => value !== undefined));

/** What lies at an RFC 6901 pointer. */
const follow = (body: unknown, pointer: string): unknown =>
  pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((at, token) => {
      if (!Object.hasOwn(Object(at), token)) throw new Error(`${pointer} leads nowhere`);
      return Object(at)[token];
    }, body);

describe("the same rows get the native protocol's predictions", () => {
  test.each(everyForm)("as %s", async (form, write) => {
    const some = form === "inputs as the values of one row" ? rows.slice(0, 1) : rows;
    const response = await post(write(some));
    expect(response.status).toBe(200);
    expect(response.headers.get("x-prediction-id")).toMatch(/^id-/);
    expect(await answered(response)).toEqual((await service.model.predict(some)).map(recordOf));
  });

  test("with params, which have no effect", async () => {
    const body = { dataframe_records: rows, params: { temperature: 0 } };
    expect(await answered(await post(body))).toEqual((await service.model.predict(rows)).map(recordOf));
  });

  test("as CSV with a header and columns in any order", async () => {
    const columns = names.toReversed();
    const text = [columns, ...rows.map((row) => listOf(row, columns))]
      .map((cells) => cells.join(","))
      .join("\n");
    const response = await post(text, { "content-type": "text/csv; charset=utf-8" });
    expect(await answered(response)).toEqual((await service.model.predict(rows)).map(recordOf));
  });

  test("with NaN for a missing number, as MLflow's client writes it", async () => {
    const missing = { ...rows[0], total_charges: null };
    const body = JSON.stringify({ dataframe_records: [missing] }).replace(
      '"total_charges":null',
      '"total_charges":NaN',
    );
    expect(body).toContain("NaN");
    expect(await answered(await post(body))).toEqual((await service.model.predict([missing])).map(recordOf));
  });

  describe.each(Object.entries(smallModels))("from %s", (_, small) => {
    test.each(everyForm)("as %s", async (form, write) => {
      const model = await loadSmallModel(small);
      const some = form === "inputs as the values of one row" ? small.rows.slice(0, 1) : small.rows;
      const predictions = await model.predict(some);
      const integer = small.manifest.task === "classification";
      expect(
        await answered(
          await post(write(some), {}, "/invocations", createAppClient(createApp(createTestService(model)))),
        ),
      ).toEqual(
        predictions.map(({ label, scores }) => (integer ? { label: Number(label), ...scores } : scores)),
      );
      await model.release();
    });
  });

  test("a model with one input accepts values without names, with the right pointers", async () => {
    const model = await loadSmallModel(smallModels["texts with a tokenizer"]);
    const ask = (body: unknown) =>
      post(body, {}, "/invocations", createAppClient(createApp(createTestService(model))));
    const predictions = (await model.predict([{ text: "good" }, { text: "bad" }])).map(
      ({ scores }) => scores,
    );
    expect(await answered(await ask({ inputs: ["good", "bad"] }))).toEqual(predictions);
    expect(await answered(await ask({ instances: ["good", "bad"] }))).toEqual(predictions);
    const refused = HttpProblem.parse(await (await ask({ inputs: ["good", 5] })).json());
    expect(refused.errors).toEqual([{ pointer: "/inputs/1", detail: "must be a string" }]);
    await model.release();
  });
});

const refusal = async (response: Response) => {
  const body = await response.json();
  return { ...HttpProblem.parse(body), body: Object(body), status: response.status };
};

describe("a refusal", () => {
  test.each(everyForm)("points at the one invalid value in the request's body: %s", async (form, write) => {
    const alone = form === "inputs as the values of one row";
    // A list would make columns of the one row.
    const wrong = fc.constantFrom<unknown>(
      { wrong: 1 },
      true,
      "no such value",
      -1e9,
      ...(alone ? [] : [[1, 2]]),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: alone ? 1 : rows.length }),
        fc.nat(),
        fc.constantFrom(...names),
        wrong,
        async (count, at, name, value) => {
          const some: Record<string, unknown>[] = rows.slice(0, count).map((row) => ({ ...row }));
          Object.assign(some[at % count] ?? {}, { [name]: value });
          // biome-ignore lint/suspicious/noExplicitAny: rows with a value that no row may hold
          const body = write(some as any);
          const { status, errors } = await refusal(await post(body));
          expect(status).toBe(422);
          expect(errors).toHaveLength(1);
          expect(follow(body, errors?.[0]?.pointer ?? "")).toEqual(value);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("also has MLflow's error fields", async () => {
    const { body, status } = await refusal(
      await post({ dataframe_records: [{ ...rows[0], tenure: "old" }] }),
    );
    expect(status).toBe(422);
    expect(body).toMatchObject({
      error_code: "BAD_REQUEST",
      message: expect.stringContaining("/dataframe_records/0/tenure must be an integer"),
    });
  });

  const [row = {}] = rows;
  const list = listOf(row);
  const { tenure: _, ...withoutTenure } = row;
  const nested = `${"[".repeat(500_000)}${"]".repeat(500_000)}`;
  test.each<[string, unknown, number, string[]]>([
    ["no object", [row], 422, [""]],
    ["null", null, 422, [""]],
    ["no form", {}, 422, [""]],
    ["two forms at once", { instances: [row], inputs: [row] }, 422, [""]],
    ["something beside the form", { inputs: [row], "a/b": 1 }, 422, ["/a~1b"]],
    ["params that are no object", { inputs: [row], params: [1] }, 422, ["/params"]],
    ["a frame that is no object", { dataframe_split: [row] }, 422, ["/dataframe_split"]],
    ["a frame without data", { dataframe_split: { columns: names } }, 422, ["/dataframe_split/data"]],
    [
      "a frame with more than pandas writes",
      { dataframe_split: { data: [list], x: 1 } },
      422,
      ["/dataframe_split/x"],
    ],
    ["rows that are no list", { dataframe_records: row }, 422, ["/dataframe_records"]],
    [
      "rows that are values",
      { instances: [1, "a", null] },
      422,
      ["/instances/0", "/instances/1", "/instances/2"],
    ],
    ["no rows", { instances: [] }, 422, ["/instances"]],
    ["columns without rows", { inputs: columnsOf(rows, () => []) }, 422, ["/inputs/female/0"]],
    ["empty columns", { inputs: Object.fromEntries(names.map((name) => [name, []])) }, 422, ["/inputs"]],
    [
      "ragged rows",
      { instances: [list, list.slice(1), row, [...list, 1]] },
      422,
      ["/instances/1", "/instances/3"],
    ],
    ["ragged features", { instances: [{ features: [] }] }, 422, ["/instances/0/features"]],
    ["ragged columns", { inputs: { ...columnsOf([row]), tenure: [1, 2] } }, 422, ["/inputs/tenure"]],
    ["a column that is no list", { inputs: { ...columnsOf([row]), tenure: 1 } }, 422, ["/inputs/tenure"]],
    ["a column too many", { inputs: { ...columnsOf([row]), x: [1] } }, 422, ["/inputs/x"]],
    ["a missing column", { inputs: columnsOf([withoutTenure]) }, 422, ["/inputs/tenure"]],
    ["a missing input", { inputs: [withoutTenure] }, 422, ["/inputs/0/tenure"]],
    [
      "rows of a split that are records",
      { dataframe_split: { data: [row] } },
      422,
      ["/dataframe_split/data/0"],
    ],
    ["records that are lists", { dataframe_records: [list] }, 422, ["/dataframe_records/0"]],
    [
      "columns that are no names",
      { dataframe_split: { columns: [0, 1], data: [[1, 2]] } },
      422,
      ["/dataframe_split/columns"],
    ],
    [
      "a column twice",
      { dataframe_split: { columns: [...names, "tenure"], data: [] } },
      422,
      [`/dataframe_split/columns/${names.length}`],
    ],
    [
      "a missing column of a split",
      { dataframe_split: { columns: names.slice(1), data: [] } },
      422,
      ["/dataframe_split/columns"],
    ],
    ["10,001 rows", { instances: Array(10_001).fill(list) }, 422, ["/instances"]],
    ["10,001 rows in columns", { inputs: columnsOf(Array(10_001).fill(row)) }, 422, ["/inputs"]],
    [
      "__proto__ as a column",
      { dataframe_split: { columns: [...names, "__proto__"], data: [[...list, { a: 1 }]] } },
      422,
      [`/dataframe_split/columns/${names.length}`],
    ],
    [
      "__proto__ as a key of a row",
      `{"dataframe_records":[${JSON.stringify(row).replace("{", '{"__proto__":{"a":1},')}]}`,
      422,
      ["/dataframe_records/0/__proto__"],
    ],
    ["__proto__ as a key of columns", `{"inputs":{"__proto__":[1]}}`, 422, ["/inputs/__proto__"]],
    [
      "a row within __proto__",
      `{"inputs":[{"__proto__":${JSON.stringify(row)}}]}`,
      422,
      ["/inputs/0/female"],
    ],
    ["__proto__ as the form's parent", `{"__proto__":{"instances":[]}}`, 422, [""]],
    [
      "inherited names",
      { inputs: { toString: [1], constructor: [2] } },
      422,
      ["/inputs/toString", "/inputs/constructor"],
    ],
    [
      "1e400",
      JSON.stringify({ inputs: [row] }).replace(/"tenure":\d+/, '"tenure":1e400'),
      422,
      ["/inputs/0/tenure"],
    ],
    [
      "NaN where a number is required",
      JSON.stringify({ inputs: [row] }).replace(/"tenure":\d+/, '"tenure":NaN'),
      422,
      ["/inputs/0/tenure"],
    ],
    [
      "-Infinity",
      JSON.stringify({ inputs: [row] }).replace(/"monthly_charges":[\d.]+/, '"monthly_charges":-Infinity'),
      422,
      ["/inputs/0/monthly_charges"],
    ],
    ["no JSON", '{"inputs":', 400, []],
    ["no JSON even with NaN", '{"inputs": NaN', 400, []],
    ["an open quote behind NaN", '{"inputs": [NaN, "Infinity\\"', 400, []],
    ["deep nesting as a value", `{"inputs":[{"tenure":${nested}}]}`, 422, []],
    ["deep nesting as rows", `{"instances":${nested}}`, 422, ["/instances/0"]],
  ])("of %s", async (_, body, status, pointers) => {
    const refused = await refusal(await post(body));
    expect(refused.status).toBe(status);
    const given = refused.errors?.map(({ pointer }) => pointer) ?? [];
    expect(given.slice(0, pointers.length)).toEqual(pointers);
    expect(given.length).toBeLessThanOrEqual(100);
  });

  test.each([
    ["another type", { "content-type": "application/vnd.apache.parquet" }],
    ["no type", { "content-type": "" }],
    ["another character set", { "content-type": "application/json; charset=latin-1" }],
    ["MLflow 1's format parameter", { "content-type": "application/json; format=pandas-split" }],
    ["an encoding that is not read", { "content-encoding": "br" }],
  ])("of %s is 415", async (_, headers) => {
    expect((await refusal(await post({ instances: rows }, headers))).status).toBe(415);
  });

  test("of a body above 6 MB is 413", async () => {
    expect((await refusal(await post("1".repeat(6 * 1_024 * 1_024 + 1)))).status).toBe(413);
  });
});

describe("any request", () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(...Object.values(rows[0] ?? {})));
  const key = fc.constantFrom(...names, "__proto__", "features", "columns", "data", "index", "toString");
  const table = fc.oneof(
    value,
    fc.array(fc.oneof(value, fc.array(value, { maxLength: 20 }), fc.dictionary(key, value)), {
      maxLength: 4,
    }),
    fc.dictionary(key, fc.oneof(value, fc.array(value, { maxLength: 4 }), fc.constant(names))),
    fc.constantFrom(...everyForm.flatMap(([, write]) => Object.values(write(rows)))),
  );
  const form = fc.constantFrom("dataframe_split", "dataframe_records", "instances", "inputs", "params", "x");
  const body = fc.oneof(
    fc.dictionary(form, table, { maxKeys: 2 }).map((one) => JSON.stringify(one)),
    fc.json(),
    fc.string({ unit: "binary" }),
  );
  test.each(["/invocations", "/endpoints/churn/invocations"])(
    "is answered or refused at %s",
    async (path) => {
      await fc.assert(
        fc.asyncProperty(body, fc.constantFrom("application/json", "text/csv"), async (text, type) => {
          const response = await post(text, { "content-type": type }, path);
          expect(response.status).toBeLessThan(500);
          expect(response.status).toBeGreaterThanOrEqual(200);
          if (response.status === 200) expect(JSON.stringify(await answered(response))).not.toContain("null");
          else expect(Object(await response.json())).toBeTypeOf("object");
        }),
        { numRuns: 300 },
      );
      expect(failures).toEqual([]);
      expect((await post({ instances: rows })).status).toBe(200);
    },
  );
});

test("/ping says whether the model can predict, /version has the protocol's version", async () => {
  expect((await app.request("/ping")).status).toBe(200);
  expect(await (await app.request("/version")).text()).toMatch(/^3\.\d+\.\d+$/);
  const broken = createTestService({ ...service.model, predict: () => Promise.reject(new Error("broken")) });
  expect((await createAppClient(createApp(broken)).request("/ping")).status).toBe(503);
});
