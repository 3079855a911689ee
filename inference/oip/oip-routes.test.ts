import { readFileSync } from "node:fs";
import { deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HttpProblem } from "#inference/http/http-problem.ts";
import { type LoadedModel, loadModel } from "#inference/model/load-model.ts";
import type { Row } from "#model-folder/manifest/manifest.ts";
import { createModelClient, createStubModel } from "#test/support/http/model-client.ts";
import {
  buildBinaryRequest,
  buildJsonRequest,
  type InferRequestSpec,
  type OipTensor,
  readInferenceResponse,
} from "#test/support/oip/infer-request.ts";
import { rowsToTensors } from "#test/support/oip/rows-to-tensors.ts";
import {
  buildManifest,
  readChurnFiles,
  readChurnGolden,
  readChurnManifest,
} from "#test/support/onnx/churn-folder.ts";

const manifest = readChurnManifest();
const rows: Row[] = readChurnGolden().rows.slice(0, 4);
const tensors = rowsToTensors(manifest.inputs, rows, "json");
const place = (name: string) => tensors.findIndex((tensor) => tensor.name === name);
let model: LoadedModel;
let app: ReturnType<typeof createModelClient>;

beforeAll(async () => {
  model = await loadModel({
    manifest,
    model: { bytes: readChurnFiles().get("model.onnx") ?? new Uint8Array() },
  });
  app = createModelClient(model);
});
afterAll(() => model.release());

const infer = (init: RequestInit, path = "/v2/models/churn/infer") => app.request(path, init);
const native = async () => {
  const response = await app.request("/v1/predict", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows }),
  });
  const { predictions } = JSON.parse(await response.text());
  return predictions;
};
/** The tensors with one of them changed. */
const changed = (name: string, changes: Record<string, unknown>): OipTensor[] =>
  tensors.map((tensor) => (tensor.name === name ? { ...tensor, ...changes } : tensor));
const problemOf = async (response: Response) => {
  const body = JSON.parse(await response.text());
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(body.error).toEqual(expect.any(String));
  const problem = HttpProblem.parse(body);
  expect(problem.status).toBe(response.status);
  return { ...problem, error: String(body.error) };
};

describe("the server returns", () => {
  test("its name, version and extensions", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    for (const path of ["/v2", "/v2/"])
      expect(await (await app.request(path)).json()).toEqual({
        name: "slipway",
        version,
        extensions: ["binary_tensor_data", "classification"],
      });
  });

  test("that it is live and that its model is ready", async () => {
    expect(await (await app.request("/v2/health/live")).json()).toEqual({ live: true });
    expect(await (await app.request("/v2/health/ready")).json()).toEqual({ ready: true, live: true });
    for (const path of ["/v2/models/churn/ready", "/v2/models/churn/versions/3/ready"])
      expect(await (await app.request(path)).json()).toEqual({ name: "churn", ready: true });
  });

  test("the protocol's error for a model that cannot predict its sample row", async () => {
    const broken = createModelClient({ ...model, predict: () => Promise.reject(new Error("no")) });
    for (const path of ["/v2/health/ready", "/v2/models/churn/ready"])
      expect((await problemOf(await broken.request(path))).status).toBe(503);
    expect((await broken.request("/v2/health/live")).status).toBe(200);
  });

  test("the metadata of the model's tensors", async () => {
    for (const path of ["/v2/models/churn", "/v2/models/churn/versions/3"]) {
      const { inputs, ...rest } = JSON.parse(await (await app.request(path)).text());
      expect(inputs).toHaveLength(19);
      expect(inputs[place("tenure")]).toEqual({ name: "tenure", datatype: "INT64", shape: [-1] });
      expect(inputs[place("contract")]).toEqual({ name: "contract", datatype: "BYTES", shape: [-1] });
      expect(inputs[place("total_charges")]).toMatchObject({ datatype: "FP64" });
      expect(rest).toEqual({
        name: "churn",
        versions: ["3"],
        platform: "onnx_onnxv1",
        outputs: [
          { name: "label", datatype: "BYTES", shape: [-1] },
          {
            name: "probabilities",
            datatype: "FP64",
            shape: [-1, 2],
            parameters: { labels: '["stay","churn"]' },
          },
          { name: "band", datatype: "BYTES", shape: [-1] },
        ],
      });
    }
  });

  test.each([
    "/v2/models/other",
    "/v2/models/churn/versions/2",
    "/v2/models/churn/versions/3/nothing",
    "/v2/models/%ff/ready",
    "/v2/repository/index",
  ])("404 for any other address: %s", async (path) => {
    expect((await problemOf(await app.request(path))).status).toBe(404);
  });

  test("405 with the allowed methods for another method", async () => {
    const response = await app.request("/v2/models/churn/infer");
    expect(response.headers.get("allow")).toBe("POST");
    expect((await problemOf(response)).status).toBe(405);
  });
});

describe("an inference", () => {
  test.each<[string, (spec: InferRequestSpec) => RequestInit, "json" | "binary"]>([
    ["JSON", buildJsonRequest, "json"],
    ["binary data", buildBinaryRequest, "binary"],
  ])("in %s gets the native protocol's predictions", async (_, write, as) => {
    const inputs = rowsToTensors(manifest.inputs, rows, as);
    const answer = await readInferenceResponse(await infer(write({ inputs, more: { id: "mine" } })));
    const predictions = await native();
    expect(answer).toEqual({
      model_name: "churn",
      model_version: "3",
      id: "mine",
      parameters: { prediction_id: expect.stringMatching(/^id-/) },
      outputs: [
        { name: "label", datatype: "BYTES", shape: [4], data: predictions.map(({ label }: Row) => label) },
        {
          name: "probabilities",
          datatype: "FP64",
          shape: [4, 2],
          parameters: { labels: '["stay","churn"]' },
          data: predictions.flatMap(({ scores }: { scores: Row }) => [scores.stay, scores.churn]),
        },
        { name: "band", datatype: "BYTES", shape: [4], data: predictions.map(({ band }: Row) => band) },
      ],
    });
  });

  test("accepts columns as [rows, 1], flat or nested, in any order, at the version's own path", async () => {
    const expected = await readInferenceResponse(await infer(buildJsonRequest({ inputs: tensors })));
    const inputs = tensors
      .map((tensor, index) => ({
        ...tensor,
        shape: [4, 1],
        data: index % 2 ? tensor.data : tensor.data.map((value) => [value]),
      }))
      .reverse();
    const response = await infer(buildJsonRequest({ inputs }), "/v2/models/churn/versions/3/infer");
    expect((await readInferenceResponse(response)).outputs).toEqual(expected.outputs);
  });

  test("without an id gets the prediction's", async () => {
    const { id, parameters } = await readInferenceResponse(
      await infer(buildJsonRequest({ inputs: tensors })),
    );
    expect(parameters).toEqual({ prediction_id: id });
  });

  test("gets the requested outputs in their order, each in JSON or as binary data", async () => {
    const more = {
      parameters: { binary_data_output: true, priority: 1 },
      outputs: [{ name: "band", parameters: { binary_data: false } }, { name: "label" }],
    };
    const response = await infer(buildJsonRequest({ inputs: tensors, more }));
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    const length = Number(response.headers.get("inference-header-content-length"));
    const header = JSON.parse(Buffer.from(await response.clone().arrayBuffer()).toString("utf8", 0, length));
    const [band, label] = header.outputs;
    expect(band).toMatchObject({ name: "band", data: expect.any(Array) });
    expect(label).toMatchObject({ name: "label", parameters: { binary_data_size: expect.any(Number) } });
    expect((await readInferenceResponse(response)).outputs[1]?.data).toEqual(
      (await native()).map(({ label }: Row) => label),
    );
  });

  test("gets the most likely labels in Triton's format", async () => {
    const more = { outputs: [{ name: "probabilities", parameters: { classification: 9 } }] };
    const { outputs } = await readInferenceResponse(await infer(buildJsonRequest({ inputs: tensors, more })));
    const [{ scores }] = await native();
    expect(scores.stay).toBeGreaterThan(scores.churn);
    expect(outputs).toMatchObject([{ name: "probabilities", datatype: "BYTES", shape: [4, 2] }]);
    expect(outputs[0]?.data?.slice(0, 2)).toEqual([`${scores.stay}:0:stay`, `${scores.churn}:1:churn`]);
  });

  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ])("may be compressed with %s: the JSON's length is the decompressed one", async (encoding, pack) => {
    const { headers, body, ...rest } = buildBinaryRequest({
      inputs: rowsToTensors(manifest.inputs, rows, "binary"),
    });
    const response = await infer({
      ...rest,
      headers: { ...headers, "content-encoding": encoding },
      body: pack(body),
    });
    expect(response.status).toBe(200);
  });

  test("needs no content type: tritonclient sends none", async () => {
    const { body } = buildJsonRequest({ inputs: tensors });
    expect((await infer({ method: "POST", body: Buffer.from(String(body)) })).status).toBe(200);
  });

  test("may omit the tensor of an optional input", async () => {
    const without = (name: string) => tensors.filter((tensor) => tensor.name !== name);
    expect((await infer(buildJsonRequest({ inputs: without("total_charges") }))).status).toBe(200);
    const { status, errors } = await problemOf(await infer(buildJsonRequest({ inputs: without("tenure") })));
    expect({ status, errors }).toEqual({
      status: 422,
      errors: [{ pointer: "/inputs", detail: "missing inputs: tenure" }],
    });
  });

  test("gets integer labels and several values as numbers by name", async () => {
    const inputs = [{ name: "x", type: "number", min: 0, max: 1 }];
    const x: InferRequestSpec = {
      inputs: [{ name: "x", datatype: "FP64", shape: [2], data: [0.25, 0.5] }],
      more: { parameters: { binary_data_output: true } },
    };
    const gates = { latencyP95Ms: 1, imageSizeMb: 1, vulnerabilities: { critical: 0, high: 0 } };
    const digits = buildManifest({ inputs, gates, output: { labels: [7, 8] } });
    const values = buildManifest({ inputs, gates, task: "regression", output: { names: ["a", "b"] } });
    const labels = createModelClient(
      createStubModel(digits, () => ({ label: "8", scores: { 7: 0.25, 8: 0.75 } })),
    );
    const regression = createModelClient(
      createStubModel(values, ({ x }) => ({ scores: { a: Number(x), b: -1 } })),
    );
    const outputs = async (served: typeof app) =>
      (await readInferenceResponse(await served.request("/v2/models/churn/infer", buildBinaryRequest(x))))
        .outputs;
    expect(await outputs(labels)).toMatchObject([
      { name: "label", datatype: "INT64", shape: [2], data: [8, 8] },
      { name: "probabilities", shape: [2, 2], data: [0.25, 0.75, 0.25, 0.75] },
    ]);
    expect(await outputs(regression)).toMatchObject([
      { name: "a", datatype: "FP64", shape: [2], data: [0.25, 0.5] },
      { name: "b", datatype: "FP64", shape: [2], data: [-1, -1] },
    ]);
  });
});

describe("refused with a pointer to the value", () => {
  const json = (more: Record<string, unknown>) => () => buildJsonRequest({ inputs: tensors, more });
  const tensor = (name: string, changes: Record<string, unknown>) => () =>
    buildJsonRequest({ inputs: changed(name, changes) });
  const tenure = `/inputs/${place("tenure")}`;
  const contract = `/inputs/${place("contract")}`;
  const shaped = (shape: unknown) => tensor("tenure", { shape });

  test.each<[string, () => RequestInit, string]>([
    ["a body that is no object", () => ({ method: "POST", body: Buffer.from("[]") }), ""],
    ["an id that is no text", json({ id: 7 }), "/id"],
    ["an id of half a surrogate pair", json({ id: "\ud800" }), "/id"],
    ["an id without end", json({ id: "x".repeat(1_001) }), "/id"],
    ["inputs that are no array", json({ inputs: {} }), "/inputs/0/datatype"],
    ["parameters that are no object", json({ parameters: [] }), "/parameters"],
    [
      "a flag that is none",
      json({ parameters: { binary_data_output: "yes" } }),
      "/parameters/binary_data_output",
    ],
    ["outputs that are no array", json({ outputs: {} }), "/outputs"],
    ["an output that is no object", json({ outputs: [null] }), "/outputs/0"],
    ["an unknown output", json({ outputs: [{ name: "label" }, { name: "nothing" }] }), "/outputs/1/name"],
    ["an output twice", json({ outputs: [{ name: "label" }, { name: "label" }] }), "/outputs/1/name"],
    [
      "classes of an output without scores",
      json({ outputs: [{ name: "label", parameters: { classification: 1 } }] }),
      "/outputs/0/parameters/classification",
    ],
    [
      "no class at all",
      json({ outputs: [{ name: "probabilities", parameters: { classification: 0 } }] }),
      "/outputs/0/parameters/classification",
    ],
    ["an unknown input", tensor("tenure", { name: "age" }), `${tenure}/name`],
    ["an input twice", tensor("tenure", { name: "partner" }), `${tenure}/name`],
    ["a name that every object has", tensor("tenure", { name: "__proto__" }), `${tenure}/name`],
    ["an unknown datatype", tensor("tenure", { datatype: "BF16" }), `${tenure}/datatype`],
    ["a datatype that every object has", tensor("tenure", { datatype: "toString" }), `${tenure}/datatype`],
    ["text for numbers", tensor("tenure", { datatype: "BYTES" }), `${tenure}/datatype`],
    ["numbers for text", tensor("contract", { datatype: "FP64" }), `${contract}/datatype`],
    ["a shape that is no array", shaped(4), `${tenure}/shape`],
    ["a shape of three dimensions", shaped([4, 1, 1]), `${tenure}/shape`],
    ["a negative dimension", shaped([-4]), `${tenure}/shape/0`],
    ["a dimension that is no whole number", shaped([4.5]), `${tenure}/shape/0`],
    ["a shape whose product overflows", shaped([4_294_967_296, 4_294_967_296]), `${tenure}/shape/0`],
    ["dimensions beyond all integers", shaped([4, 1e300]), `${tenure}/shape/1`],
    ["several columns of one input", tensor("tenure", { shape: [2, 2] }), `${tenure}/shape/0`],
    ["other rows than the other tensors", shaped([3]), `${tenure}/data`],
    ["other rows and data", tensor("tenure", { shape: [3], data: [1, 2, 3] }), `${tenure}/shape/0`],
    ["less data than the shape says", tensor("tenure", { data: [1, 2, 3] }), `${tenure}/data`],
    ["no data", tensor("tenure", { data: undefined }), `${tenure}/data`],
    [
      "rows of different lengths",
      tensor("tenure", { shape: [4, 1], data: [[1], [2], [3, 4], []] }),
      `${tenure}/data/2`,
    ],
    ["an array among flat data", tensor("tenure", { data: [1, [2], 3, 4] }), `${tenure}/data/1`],
    ["a value out of the input's range", tensor("tenure", { data: [1, 2, 3, 121] }), `${tenure}/data/3`],
    [
      "such a value in nested data",
      tensor("tenure", { shape: [4, 1], data: [[1], [2], [3], [121]] }),
      `${tenure}/data/3/0`,
    ],
    [
      "a value beyond its datatype",
      tensor("tenure", { datatype: "INT8", data: [1, 128, 3, 4] }),
      `${tenure}/data/1`,
    ],
    ["a fraction as an integer", tensor("tenure", { data: [1, 2.5, 3, 4] }), `${tenure}/data/1`],
    ["null where a value is required", tensor("tenure", { data: [1, 2, null, 4] }), `${tenure}/data/2`],
    ["a text among numbers", tensor("tenure", { data: [1, "2", 3, 4] }), `${tenure}/data/1`],
    ["an unknown category", tensor("contract", { data: ["Never", "Never", "x", "y"] }), `${contract}/data/0`],
    [
      "half a surrogate pair",
      tensor("contract", { data: ["One year", "\ud800", "One year", "One year"] }),
      `${contract}/data/1`,
    ],
    [
      "binary data that is not there",
      tensor("tenure", { data: null, parameters: { binary_data_size: 32 } }),
      `${tenure}/parameters/binary_data_size`,
    ],
    ["data beside binary data", tensor("tenure", { parameters: { binary_data_size: 32 } }), `${tenure}/data`],
    [
      "a binary size that is no size",
      tensor("tenure", { data: null, parameters: { binary_data_size: -1 } }),
      `${tenure}/parameters/binary_data_size`,
    ],
  ])("%s", async (_, request, pointer) => {
    const init = request();
    const body =
      typeof init.body === "string" && pointer === "/inputs/0/datatype"
        ? JSON.stringify({ inputs: [{ ...tensors[0], datatype: null }] })
        : init.body;
    const { status, errors, error } = await problemOf(await infer({ ...init, body: body ?? null }));
    expect({ status, pointer: errors?.[0]?.pointer }).toEqual({ status: 422, pointer });
    expect(error).toContain(errors?.[0]?.detail);
    expect((await infer(buildJsonRequest({ inputs: tensors }))).status).toBe(200);
  });

  test("1e400 in any datatype", async () => {
    const body = JSON.stringify({ inputs: changed("monthly_charges", { data: [1, 2, 3, 4_444] }) });
    const { errors } = await problemOf(
      await infer({ method: "POST", body: Buffer.from(body.replace("4444", "1e400")) }),
    );
    expect(errors?.[0]).toEqual({
      pointer: `/inputs/${place("monthly_charges")}/data/3`,
      detail: "does not fit in FP64",
    });
  });

  test("10,001 rows, before the first is read", async () => {
    const inputs = tensors.map((one) => ({ ...one, shape: [10_001] }));
    const { errors } = await problemOf(await infer(buildJsonRequest({ inputs })));
    expect(errors).toEqual([
      { pointer: "/inputs/0/shape/0", detail: "must be 1 to 10000 rows; it is 10001" },
    ]);
  });

  test("ten thousand empty rows of ten thousand columns, without allocating memory for them", async () => {
    const data = Array.from({ length: 10_000 }, () => []);
    const inputs = [{ name: "x", datatype: "FP64", shape: [10_000, 10_000], data }] as const;
    expect((await problemOf(await infer(buildJsonRequest({ inputs })))).errors?.[0]?.pointer).toBe(
      "/inputs/0/data/0",
    );
  });

  test("an error is never compressed, because Triton's client does not decompress errors", async () => {
    const { headers, ...rest } = buildJsonRequest({
      inputs: changed("tenure", { data: Array(4).fill("x".repeat(999)) }),
    });
    const response = await infer({ ...rest, headers: { ...headers, "accept-encoding": "gzip" } });
    expect(response.headers.has("content-encoding")).toBe(false);
    expect((await problemOf(response)).status).toBe(422);
  });

  test("a problem has RFC 9457's type for a client that accepts it by name", async () => {
    const response = await app.request("/v2/models/other", {
      headers: { accept: "application/json, application/problem+json" },
    });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ error: expect.any(String), status: 404 });
  });
});

describe("inconsistent binary data is refused", () => {
  const whole = () => buildBinaryRequest({ inputs: rowsToTensors(manifest.inputs, rows, "binary") });
  const headed = (length: string) => {
    const { headers, ...rest } = whole();
    return { ...rest, headers: { ...headers, "inference-header-content-length": length } };
  };
  const last = `/inputs/${tensors.length - 1}`;
  const one = (spec: OipTensor, bytes: Buffer, size = bytes.length): RequestInit => {
    const { data: _, ...head } = spec;
    const header = JSON.stringify({ inputs: [{ ...head, parameters: { binary_data_size: size } }] });
    return {
      method: "POST",
      headers: { "inference-header-content-length": String(header.length) },
      body: Buffer.concat([Buffer.from(header), bytes]),
    };
  };
  const texts: OipTensor = { name: "contract", datatype: "BYTES", shape: [1], data: [] };
  const length = (size: number, text: string | Buffer) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(size);
    return Buffer.concat([bytes, Buffer.from(text)]);
  };

  test.each(["-1", "1e3", "x", "9999999", "99999999999999999999", "0", ""])(
    "the JSON's length as %j",
    async (given) => {
      expect((await problemOf(await infer(headed(given)))).status).toBe(400);
    },
  );

  test("a JSON length beyond a body with only JSON", async () => {
    const { body, ...rest } = buildJsonRequest({ inputs: tensors });
    const length = String(Buffer.byteLength(String(body)) + 1);
    const headers = { "inference-header-content-length": length };
    expect((await problemOf(await infer({ ...rest, headers, body: Buffer.from(String(body)) }))).status).toBe(
      400,
    );
  });

  test("a wrong JSON length", async () => {
    const right = Number(new Headers(whole().headers).get("inference-header-content-length"));
    expect((await problemOf(await infer(headed(String(right - 1))))).status).toBe(400);
    expect((await problemOf(await infer(headed(String(right + 1))))).status).toBe(400);
  });

  test("a body that is too short or too long", async () => {
    const { body, ...rest } = whole();
    const short = await problemOf(await infer({ ...rest, body: body.subarray(0, body.length - 1) }));
    expect(short.errors?.[0]?.pointer).toBe(`${last}/parameters/binary_data_size`);
    const long = await problemOf(await infer({ ...rest, body: Buffer.concat([body, Buffer.alloc(3)]) }));
    expect(long).toMatchObject({ status: 400, errors: [{ detail: "3 bytes follow the last tensor" }] });
  });

  test.each<[string, RequestInit, string]>([
    [
      "a size that the shape does not give",
      one({ ...texts, datatype: "INT64" }, Buffer.alloc(9)),
      "/inputs/0/parameters/binary_data_size",
    ],
    [
      "fewer bytes than texts have lengths",
      one(texts, Buffer.alloc(3)),
      "/inputs/0/parameters/binary_data_size",
    ],
    ["a text longer than its tensor", one(texts, length(4_294_967_295, "One year")), "/inputs/0/data/0"],
    [
      "a tensor that ends before its last text",
      one({ ...texts, shape: [2] }, length(8, "One year")),
      "/inputs/0/data/1",
    ],
    [
      "bytes behind the last text",
      one(texts, Buffer.concat([length(8, "One year"), Buffer.from("é")])),
      "/inputs/0/parameters/binary_data_size",
    ],
    ["a text that is not UTF-8", one(texts, length(3, Buffer.from([0xed, 0xa0, 0x80]))), "/inputs/0/data/0"],
    ["a truth of value 2", one({ ...texts, datatype: "BOOL" }, Buffer.from([2])), "/inputs/0/data/0"],
  ])("%s", async (_, init, pointer) => {
    expect((await problemOf(await infer(init))).errors?.[0]?.pointer).toBe(pointer);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "%d in a required input",
    async (value) => {
      const inputs = rowsToTensors(manifest.inputs, rows, "binary").map((tensor) =>
        tensor.name === "monthly_charges" ? { ...tensor, data: [1, 2, value, 4] } : tensor,
      );
      expect((await problemOf(await infer(buildBinaryRequest({ inputs })))).errors).toEqual([
        { pointer: `/inputs/${place("monthly_charges")}/data/2`, detail: "must be a finite number" },
      ]);
    },
  );
});
