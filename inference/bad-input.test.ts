import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAppClient } from "#test/support/http/app-client.ts";
import { createStubModel } from "#test/support/http/model-client.ts";
import {
  buildManifest,
  readChurnFiles,
  readChurnGolden,
  readChurnManifest,
} from "#test/support/onnx/churn-folder.ts";
import { createTestService } from "#test/support/onnx/create-test-service.ts";
import { loadSmallModel, smallModels } from "#test/support/onnx/small-models.ts";
import { createApp } from "./app.ts";
import { HttpProblem } from "./http/http-problem.ts";
import { type LoadedModel, loadModel } from "./model/load-model.ts";

const [row = {}] = readChurnGolden().rows;
const texts = smallModels["texts with a tokenizer"];
const models: Record<"churn" | "texts" | "map", LoadedModel | undefined> = {
  churn: undefined,
  texts: undefined,
  map: undefined,
};

beforeAll(async () => {
  models.churn = await loadModel({
    manifest: readChurnManifest(),
    model: { bytes: readChurnFiles().get("model.onnx") ?? new Uint8Array() },
  });
  models.texts = await loadSmallModel({
    ...texts,
    manifest: {
      ...texts.manifest,
      inputs: [{ name: "text", type: "string", maxLength: 1_000_000, required: true }],
    },
  });
  models.map = createStubModel(
    buildManifest({ inputs: [{ name: "colour", type: "category", values: ["red"], unknown: "map" }] }),
    () => ({ label: "stay", scores: { stay: 1, churn: 0 } }),
  );
});
afterAll(async () => {
  for (const model of Object.values(models)) await model?.release();
});

type TestRequest = {
  readonly body: string | Uint8Array;
  readonly model?: keyof typeof models;
  readonly headers?: Record<string, string>;
  readonly path?: string;
};
const json = { "content-type": "application/json" };
const send = async ({ body, model = "churn", headers = json, path = "/v1/predict" }: TestRequest) => {
  const loaded = models[model];
  if (!loaded) throw new Error("the model is loaded before");
  return createAppClient(createApp(createTestService(loaded))).request(path, {
    method: "POST",
    headers,
    body: Buffer.from(body),
  });
};

const rows = (...given: unknown[]): TestRequest => ({ body: JSON.stringify({ rows: given }) });
/** A body with tenure written exactly as given: JSON.stringify does not write such text. */
const tenure = (text: string): TestRequest => ({
  body: JSON.stringify({ rows: [{ ...row, tenure: "here" }] }).replace('"here"', text),
});
const tensors = (tensor: object, behind = new Uint8Array()): TestRequest => {
  const head = Buffer.from(JSON.stringify({ inputs: [{ name: "tenure", datatype: "FP64", ...tensor }] }));
  return {
    path: "/v2/models/churn/infer",
    headers: { "inference-header-content-length": String(head.length) },
    body: Buffer.concat([head, behind]),
  };
};
const { tenure: _, ...withoutTenure } = row;
const bomb = gzipSync(Buffer.alloc(40 * 1_024 * 1_024, " "));
const crowd = gzipSync(`{"rows":[${"{},".repeat(9_000_000)}{}]}`);
const packed = { ...json, "content-encoding": "gzip" };

/** Each way in which input is bad, the status that it gets, and the pointer to the value where there is one. */
const refused: readonly (readonly [string, TestRequest, number, string | undefined])[] = [
  ["text for a number", rows({ ...row, tenure: "12" }), 422, "/rows/0/tenure"],
  ["a number for text", rows({ ...row, contract: 1 }), 422, "/rows/0/contract"],
  ["an object for a number", rows(row, { ...row, tenure: {} }), 422, "/rows/1/tenure"],
  ["a list for a row", rows([1, 2]), 422, "/rows/0"],
  ["an object for the rows", { body: '{"rows":{}}' }, 422, "/rows"],
  ["a list for the body", { body: "[]" }, 422, ""],
  ["a missing column", rows(withoutTenure), 422, "/rows/0/tenure"],
  ["an extra column", rows({ ...row, "a/b~c": 1 }), 422, "/rows/0/a~1b~0c"],
  ["NaN", tenure("NaN"), 400, undefined],
  ["Infinity", tenure("Infinity"), 400, undefined],
  ["-Infinity", tenure("-Infinity"), 400, undefined],
  ["1e400", tenure("1e400"), 422, "/rows/0/tenure"],
  ["-1e400", tenure("-1e400"), 422, "/rows/0/tenure"],
  ["no rows", { body: '{"rows":[]}' }, 422, "/rows"],
  ["an empty row", rows({}), 422, "/rows/0/female"],
  ["an empty body", { body: "" }, 400, undefined],
  ["an unknown category", rows({ ...row, contract: "Weekly" }), 422, "/rows/0/contract"],
  [
    "a text over its length",
    { ...rows({ text: "a".repeat(1_000_001) }), model: "texts" },
    422,
    "/rows/0/text",
  ],
  ["half a surrogate pair", { body: '{"rows":[{"text":"\\ud83e"}]}', model: "texts" }, 422, "/rows/0/text"],
  ["10,001 rows", rows(...Array(10_001).fill(row)), 422, "/rows"],
  ["a body of 7 MB", { body: Buffer.alloc(7 * 1_024 * 1_024, " ") }, 413, undefined],
  ["a gzip bomb", { body: bomb, headers: packed }, 413, undefined],
  ["a gzip bomb of nine million rows", { body: crowd, headers: packed }, 413, undefined],
  ["gzip that is cut off", { body: bomb.subarray(0, 1_000), headers: packed }, 400, undefined],
  ["a hundred thousand brackets", { body: "[".repeat(100_000) + "]".repeat(100_000) }, 422, ""],
  ["as many in a value", tenure("[".repeat(100_000) + "]".repeat(100_000)), 422, "/rows/0/tenure"],
  ["a key twice", tenure('1,"tenure":2'), 400, "/rows/0/tenure"],
  ["__proto__ in a row", tenure('1,"__proto__":{"tenure":1}'), 422, "/rows/0/__proto__"],
  ["__proto__ beside the rows", { body: '{"__proto__":{},"rows":[]}' }, 422, ""],
  ["constructor in a row", rows({ ...row, constructor: 1 }), 422, "/rows/0/constructor"],
  ["another content type", { ...rows(row), headers: { "content-type": "text/plain" } }, 415, undefined],
  [
    "another charset",
    { ...rows(row), headers: { "content-type": "application/json; charset=utf-16" } },
    415,
    undefined,
  ],
  ["bytes that are no UTF-8", { body: Uint8Array.of(0x22, 0xff, 0x22) }, 400, undefined],
  [
    "a truncated binary tensor",
    tensors({ shape: [2], parameters: { binary_data_size: 16 } }, new Uint8Array(15)),
    422,
    "/inputs/0/parameters/binary_data_size",
  ],
  [
    "a shape whose product overflows",
    tensors({ shape: [2 ** 32, 2 ** 32], data: [] }),
    422,
    "/inputs/0/shape/0",
  ],
  ["a shape of less than nothing", tensors({ shape: [-1], data: [] }), 422, "/inputs/0/shape/0"],
];

describe("refused with a pointer to the value, and the next request gets a prediction", () => {
  test.each(refused)("%s", async (_, request, status, pointer) => {
    const response = await send(request);
    const problem = HttpProblem.parse(await response.json());
    expect([response.status, problem.status]).toEqual([status, status]);
    expect(problem.errors?.[0]?.pointer).toBe(pointer);
    expect((await send(rows(row))).status).toBe(200);
  });
});

const accepted: readonly (readonly [string, TestRequest, TestRequest])[] = [
  ["-0, as 0", tenure("-0"), tenure("0")],
  ["-0.0e5 of a number, as 0", rows({ ...row, total_charges: -0 }), rows({ ...row, total_charges: 0 })],
  ["1e-400, as 0", tenure("1e-400"), tenure("0")],
  [
    "a value that is not required and null, as none",
    rows({ ...row, total_charges: null }),
    rows({ ...row, total_charges: undefined }),
  ],
  [
    "an unknown category where the manifest maps it",
    { ...rows({ colour: "mauve" }), model: "map" },
    { ...rows({ colour: "red" }), model: "map" },
  ],
  [
    "text of no characters",
    { ...rows({ text: "" }), model: "texts" },
    { ...rows({ text: "  " }), model: "texts" },
  ],
  [
    "text of a million characters, by its first tokens",
    { ...rows({ text: "good ".repeat(200_000) }), model: "texts" },
    { ...rows({ text: "good ".repeat(20) }), model: "texts" },
  ],
];

describe("accepted", () => {
  test.each(accepted)("%s", async (_, request, equivalent) => {
    const [response, other] = [await send(request), await send(equivalent)];
    expect([response.status, other.status]).toEqual([200, 200]);
    const text = await response.text();
    expect(text).not.toMatch(/NaN|Infinity|-0[,}\]]/);
    expect(JSON.parse(text).predictions).toEqual(JSON.parse(await other.text()).predictions);
  });
});

test("a score of -0 is written as 0, in JSON and in CSV", async () => {
  const manifest = buildManifest({
    task: "regression",
    inputs: [{ name: "x", type: "number", min: -1, max: 1 }],
    output: { name: "y" },
    gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } },
  });
  const app = createAppClient(
    createApp(createTestService(createStubModel(manifest, () => ({ value: -0, scores: { y: -0 } })))),
  );
  const post = (accept: string) =>
    app.request("/v1/predict", { method: "POST", headers: { ...json, accept }, body: '{"rows":[{"x":-0}]}' });
  expect(await (await post("application/json")).json()).toMatchObject({
    predictions: [{ value: 0, scores: { y: 0 } }],
  });
  expect(await (await post("text/csv")).text()).toBe("y\r\n0\r\n");
});
