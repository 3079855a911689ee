import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HttpProblem } from "#inference/http/http-problem.ts";
import { type LoadedModel, loadModel } from "#inference/model/load-model.ts";
import { createModelClient } from "#test/support/http/model-client.ts";
import { readImages } from "#test/support/images/read-images.ts";
import { buildBinaryRequest, buildJsonRequest } from "#test/support/oip/infer-request.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { floatType, writeOnnx } from "#test/support/onnx/write-onnx.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
type Sizes = (number | null)[];
/** A model that returns its array unchanged. */
const openIdentity = (input: Record<string, unknown>, shape: Sizes, type: number) =>
  loadModel({
    manifest: buildManifest({
      name: "echo",
      task: "tensors",
      inputs: [{ name: "x", ...input }],
      output: { tensors: [{ name: "y", element: type === floatType ? "float32" : "uint8", shape }] },
      gates,
    }),
    model: {
      bytes: writeOnnx({
        graph: {
          nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
          inputs: [{ name: "x", type, shape: ["N", ...shape.map((size, axis) => size ?? `d${axis}`)] }],
          outputs: [{ name: "y", type, shape: ["N", ...shape.map((size, axis) => size ?? `d${axis}`)] }],
        },
      }),
    },
  });

const uint8Type = 2;
const { images, refused } = readImages();
let model: LoadedModel;
let open: LoadedModel;
let picture: LoadedModel;
let app: ReturnType<typeof createModelClient>;
beforeAll(async () => {
  model = await openIdentity(
    { type: "tensor", element: "float32", shape: [2, 3], min: -9, max: 9 },
    [2, 3],
    floatType,
  );
  open = await openIdentity({ type: "tensor", element: "float32", shape: [null, 2] }, [null, 2], floatType);
  picture = await openIdentity(
    { type: "image", width: 2, height: 2, resize: "stretch", layout: "NHWC", element: "uint8" },
    [2, 2, 3],
    uint8Type,
  );
  app = createModelClient(model);
});
afterAll(async () => {
  for (const each of [model, open, picture]) await each.release();
});

const first = [
  [1, 2, 3],
  [4, 5, 6],
];
const second = [
  [-1, 0, 1],
  [0.5, 0.25, 9],
];
const post = (path: string, body: unknown, client = app) =>
  client.request(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const readJson = async (response: Response) => JSON.parse(await response.text());
const findErrors = async (response: Response) => {
  expect(response.status).toBe(422);
  return HttpProblem.parse(await readJson(response)).errors;
};
const base64 = (values: readonly number[]) =>
  Buffer.from(Float32Array.from(values).buffer).toString("base64");

describe("an array in every protocol", () => {
  test("as nested arrays and as base64 in rows", async () => {
    const response = await post("/v1/predict", {
      rows: [{ x: first }, { x: { base64: base64(second.flat()) } }],
    });
    const { predictions } = await readJson(response);
    expect(predictions).toEqual([
      { scores: {}, tensors: { y: first } },
      { scores: {}, tensors: { y: second } },
    ]);
  });

  test.each([
    ["instances", { instances: [first, second] }],
    ["inputs", { inputs: [first, second] }],
    ["inputs by name", { inputs: { x: [first, second] } }],
    ["instances with names", { instances: [{ x: first }, { x: second }] }],
    ["instances with base64", { instances: [first, { base64: base64(second.flat()) }] }],
    ["dataframe_records", { dataframe_records: [{ x: first }, { x: second }] }],
    ["dataframe_split", { dataframe_split: { columns: ["x"], data: [[first], [second]] } }],
  ])("as MLflow's %s", async (_, body) => {
    for (const path of ["/invocations", "/endpoints/echo/invocations"]) {
      const { predictions } = await readJson(await post(path, body));
      expect(predictions).toEqual([{ y: first }, { y: second }]);
    }
  });

  test("as a cell of CSV, in both directions", async () => {
    const response = await app.request("/v1/predict", {
      method: "POST",
      headers: { "content-type": "text/csv", accept: "text/csv" },
      body: `x\n"${JSON.stringify(first)}"\n`,
    });
    expect(await response.text()).toBe(`y\r\n"[[1,2,3],[4,5,6]]"\r\n`);
  });

  const tensor = { name: "x", datatype: "FP32", shape: [2, 2, 3] } as const;
  test.each([
    ["flat JSON", buildJsonRequest({ inputs: [{ ...tensor, data: [first, second].flat(2) }] })],
    ["nested JSON", buildJsonRequest({ inputs: [{ ...tensor, data: [first, second] }] })],
    ["binary data", buildBinaryRequest({ inputs: [{ ...tensor, data: [first, second].flat(2) }] })],
  ])("as a tensor of the Open Inference Protocol, in %s", async (_, init) => {
    const { outputs } = await readJson(await app.request("/v2/models/echo/infer", init));
    expect(outputs).toEqual([
      { name: "y", datatype: "FP32", shape: [2, 2, 3], data: [first, second].flat(2) },
    ]);
  });

  test("in the metadata and in OpenAPI", async () => {
    const metadata = await readJson(await app.request("/v2/models/echo"));
    expect(metadata.inputs).toEqual([{ name: "x", datatype: "FP32", shape: [-1, 2, 3] }]);
    expect(metadata.outputs).toEqual([{ name: "y", datatype: "FP32", shape: [-1, 2, 3] }]);
    const { components } = await readJson(await app.request("/openapi.json"));
    expect(JSON.stringify(components.schemas.Row)).toContain('"minItems":2,"maxItems":2');
  });
});

describe("a wrong array is refused with a pointer to its first wrong element", () => {
  test.each([
    ["another length", [[1, 2, 3]], "", /array of 2; it has 1/],
    [
      "another inner length",
      [
        [1, 2, 3],
        [4, 5],
      ],
      "/1",
      /array of 3; it has 2/,
    ],
    ["a number in place of an array", [[1, 2, 3], 7], "/1", /array of 3/],
    [
      "a text",
      [
        [1, 2, "3"],
        [4, 5, 6],
      ],
      "/0/2",
      /must be a number/,
    ],
    [
      "null",
      [
        [1, 2, 3],
        [4, null, 6],
      ],
      "/1/1",
      /must be a number/,
    ],
    [
      "too deep",
      [
        [1, 2, [3]],
        [4, 5, 6],
      ],
      "/0/2",
      /must be a number/,
    ],
    [
      "a number beyond max",
      [
        [1, 2, 3],
        [4, 5, 10],
      ],
      "/1/2",
      /between -9 and 9/,
    ],
    ["no array", 5, "", /array of 2/],
    ["base64 of other bytes", { base64: base64([1]) }, "", /base64 of 24 bytes: 32 characters/],
    ["base64 with other characters", { base64: "%".repeat(32) }, "", /not the base64 of 24 bytes/],
    ["base64 of NaN", { base64: base64([1, 2, 3, 4, Number.NaN, 6]) }, "/1/1", /finite/],
    ["base64 of a number beyond max", { base64: base64([1, 2, 3, 4, 10, 6]) }, "/1/1", /between/],
    ["another object", { base64: "AAAA", more: 1 }, "", /array of 2/],
    ["nothing", undefined, "", /is required/],
  ])("%s", async (_, value, path, detail) => {
    expect(await findErrors(await post("/v1/predict", { rows: [{ x: value }] }))).toEqual([
      { pointer: `/rows/0/x${path}`, detail: expect.stringMatching(detail) },
    ]);
  });

  test("1e999, which JSON reads as infinity", async () => {
    expect(await findErrors(await post("/v1/predict", '{"rows":[{"x":[[1,2,3],[4,1e999,6]]}]}'))).toEqual([
      { pointer: "/rows/0/x/1/1", detail: "must be a finite number" },
    ]);
  });

  test.each([
    [
      "/invocations",
      {
        instances: [
          first,
          [
            [1, 2, 3],
            [4, "5", 6],
          ],
        ],
      },
      "/instances/1/1/1",
    ],
    [
      "/invocations",
      {
        inputs: {
          x: [
            first,
            [
              [1, 2, 3],
              [4, "5", 6],
            ],
          ],
        },
      },
      "/inputs/x/1/1/1",
    ],
  ])("in MLflow's form: %s", async (path, body, pointer) => {
    const { errors } = await readJson(await post(path, body));
    expect(errors).toEqual([{ pointer, detail: "must be a number" }]);
  });

  test("in a tensor: where it lies in the flat data", async () => {
    const data = [first, second].flat(2).with(10, 77);
    const init = buildJsonRequest({ inputs: [{ name: "x", datatype: "FP32", shape: [2, 2, 3], data }] });
    const { errors } = await readJson(await app.request("/v2/models/echo/infer", init));
    expect(errors).toEqual([{ pointer: "/inputs/0/data/10", detail: "must be between -9 and 9" }]);
  });

  test("a tensor of another shape", async () => {
    const init = buildJsonRequest({
      inputs: [{ name: "x", datatype: "FP32", shape: [2, 3, 2], data: [first, second].flat(2) }],
    });
    const { errors } = await readJson(await app.request("/v2/models/echo/infer", init));
    expect(errors).toEqual([{ pointer: "/inputs/0/shape", detail: "must be [rows, 2, 3]" }]);
  });

  test("nesting of a hundred thousand levels", async () => {
    const body = `{"rows":[{"x":${"[".repeat(100_000)}${"]".repeat(100_000)}}]}`;
    expect(await findErrors(await post("/v1/predict", body))).toEqual([
      { pointer: "/rows/0/x", detail: "must be an array of 2; it has 1" },
    ]);
  });
});

describe("an open dimension", () => {
  const predict = (...rows: unknown[]) =>
    post("/v1/predict", { rows: rows.map((x) => ({ x })) }, createModelClient(open));

  test("may have another size in each request", async () => {
    for (const rows of [1, 3]) {
      const x = Array.from({ length: rows }, (_, row) => [row, -row]);
      const { predictions } = await readJson(await predict(x, x));
      expect(predictions[1].tensors.y).toEqual(x.map((pair) => pair.map((value) => value || 0)));
    }
  });

  test("may have another size in each row of a request", async () => {
    const windows = [
      [[1, 2]],
      [
        [1, 2],
        [3, 4],
      ],
      [[5, 6]],
    ];
    const { predictions } = await readJson(await predict(...windows));
    expect(predictions.map((row: { tensors: { y: unknown } }) => row.tensors.y)).toEqual(windows);
  });

  test("has one size within a row", async () => {
    expect(await findErrors(await predict([[1, 2]], [[1, 2], [3]]))).toEqual([
      { pointer: "/rows/1/x/1", detail: "must be an array of 2; it has 1" },
    ]);
  });

  test("may be base64 and binary data", async () => {
    const x = { base64: Buffer.from(new Float32Array([1, 2, 3, 4]).buffer).toString("base64") };
    const { predictions } = await readJson(await predict(x));
    expect(predictions[0].tensors.y).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
});

describe("an image", () => {
  const png = images["png-grey"] ?? "";
  const send = (type: string, path = "/v1/predict", text = png) =>
    createModelClient(picture).request(path, {
      method: "POST",
      headers: { "content-type": type },
      body: Buffer.from(text, "base64"),
    });

  test("is the base64 in a row, or the body itself", async () => {
    const client = createModelClient(picture);
    const inRow = await readJson(await post("/v1/predict", { rows: [{ x: png }] }, client));
    expect(inRow.predictions[0].tensors.y).toHaveLength(2);
    const { predictions } = await readJson(await send("image/png"));
    expect(predictions).toEqual(inRow.predictions);
    const invoked = await readJson(await send("image/png", "/invocations"));
    expect(invoked.predictions).toEqual([{ y: inRow.predictions[0].tensors.y }]);
  });

  test("in the protocols with tensors: base64 as BYTES", async () => {
    const init = buildJsonRequest({ inputs: [{ name: "x", datatype: "BYTES", shape: [1], data: [png] }] });
    const { outputs } = await readJson(
      await createModelClient(picture).request("/v2/models/echo/infer", init),
    );
    expect(outputs[0]).toMatchObject({ datatype: "UINT8", shape: [1, 2, 2, 3] });
  });

  test("that cannot be decoded is the caller's mistake, with a pointer", async () => {
    const client = createModelClient(picture);
    expect(
      await findErrors(await post("/v1/predict", { rows: [{ x: png }, { x: refused.cmyk }] }, client)),
    ).toEqual([{ pointer: "/rows/1/x", detail: "is a CMYK JPEG: convert it to RGB" }]);
    expect(await findErrors(await send("image/jpeg", "/v1/predict", refused.cmyk))).toEqual([
      { pointer: "", detail: "is a CMYK JPEG: convert it to RGB" },
    ]);
  });

  test("of another format as the body is refused with the formats that it takes", async () => {
    const response = await send("image/gif");
    expect(response.status).toBe(415);
    expect((await readJson(response)).detail).toBe(
      "Send the image itself as image/jpeg or image/png, or application/json or text/csv in UTF-8.",
    );
  });

  test("as the body of a model without an image input is refused", async () => {
    const response = await app.request("/v1/predict", {
      method: "POST",
      headers: { "content-type": "image/png" },
      body: Buffer.from(png, "base64"),
    });
    expect(response.status).toBe(415);
  });
});
