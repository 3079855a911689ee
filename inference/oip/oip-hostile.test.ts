import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LoadedModel, loadModel } from "#inference/model/load-model.ts";
import type { Input, Prediction, Row } from "#model-folder/manifest/manifest.ts";
import { createModelClient } from "#test/support/http/model-client.ts";
import {
  buildBinaryRequest,
  buildJsonRequest,
  type InferRequestSpec,
  type OipTensor,
  readInferenceResponse,
} from "#test/support/oip/infer-request.ts";
import { readChurnFiles, readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { type Datatype, datatypes } from "./datatypes.ts";

const manifest = readChurnManifest();
const logged: string[] = [];
let model: LoadedModel;
let app: ReturnType<typeof createModelClient>;

beforeAll(async () => {
  model = await loadModel({
    manifest,
    model: { bytes: readChurnFiles().get("model.onnx") ?? new Uint8Array() },
  });
  app = createModelClient(model, logged);
});
afterAll(() => model.release());

const infer = (init: RequestInit) => app.request("/v2/models/churn/infer", init);

/** How a column travels: in which datatype, as [rows] or [rows, 1]. */
type Form = { readonly datatype: Datatype; readonly wide: boolean };
const form = (input: Input): fc.Arbitrary<Form> =>
  fc.record({
    datatype:
      input.type === "category" || input.type === "string"
        ? fc.constant("BYTES" as const)
        : input.required && input.type === "integer"
          ? fc.constantFrom(
              "INT64",
              "UINT64",
              "INT32",
              "UINT32",
              "INT16",
              "UINT16",
              "INT8",
              "UINT8",
              "FP64",
              "FP32",
            )
          : fc.constant("FP64" as const),
    wide: fc.boolean(),
  });
const value = (input: Input): fc.Arbitrary<Row[string]> => {
  const present: fc.Arbitrary<Row[string]> =
    input.type === "category"
      ? fc.constantFrom(...input.values)
      : input.type === "integer"
        ? fc.integer({ min: input.min, max: input.max })
        : input.type === "number"
          ? fc.double({ min: input.min, max: input.max, noNaN: true })
          : fc.constant(null);
  return input.required ? present : fc.option(present);
};
const record = <T>(of: (input: Input) => fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.record(Object.fromEntries(manifest.inputs.map((input) => [input.name, of(input)])));
const valid = fc.record({
  rows: fc.array(record(value), { minLength: 1, maxLength: 4 }),
  forms: record(form),
  order: fc.shuffledSubarray([...manifest.inputs], { minLength: manifest.inputs.length }),
});
type Valid = typeof valid extends fc.Arbitrary<infer T> ? T : never;

const tensors = ({ rows, forms, order }: Valid, missing: null | number): OipTensor[] =>
  order.map(({ name }) => {
    const { datatype, wide } = forms[name] ?? { datatype: "FP64", wide: false };
    return {
      name,
      datatype,
      shape: wide ? [rows.length, 1] : [rows.length],
      data: rows.map((row) => row[name] ?? missing),
    };
  });
const inJson = (given: Valid): InferRequestSpec => ({ inputs: tensors(given, null) });
const inBinary = (given: Valid): InferRequestSpec => ({
  inputs: tensors(given, Number.NaN),
  more: { parameters: { binary_data_output: true } },
});

const spoken = (predictions: readonly Prediction[]) => [
  predictions.map(({ label }) => label),
  predictions.flatMap(({ scores }) => [scores.stay, scores.churn]),
  predictions.map(({ band }) => band),
];

test("every valid request gets the native protocol's predictions, in both encodings", async () => {
  await fc.assert(
    fc.asyncProperty(valid, async (given) => {
      const native = await app.request("/v1/predict", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ rows: given.rows }),
      });
      const { predictions } = JSON.parse(await native.text());
      for (const request of [buildJsonRequest(inJson(given)), buildBinaryRequest(inBinary(given))]) {
        const { outputs } = await readInferenceResponse(await infer(request));
        expect(outputs.map(({ data }) => data)).toEqual(spoken(predictions));
      }
    }),
    { numRuns: 150 },
  );
});

/** Whatever was sent: it is answered or refused, in the protocol's form, and nothing failed inside. */
const survives = async (init: RequestInit): Promise<void> => {
  const response = await infer(init);
  expect(response.status).toBeLessThan(500);
  if (response.status === 200)
    expect((await readInferenceResponse(response)).outputs.length).toBeGreaterThan(0);
  else
    expect(JSON.parse(await response.text())).toMatchObject({
      status: response.status,
      error: expect.any(String),
    });
  expect(logged).toEqual([]);
};
const bytes = (body: Uint8Array, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers,
  body: Buffer.from(body),
});

test("arbitrary bytes, with any header, never give a 5xx", async () => {
  const header = fc.oneof(
    fc.nat({ max: 40 }).map(String),
    fc.constantFrom("", "-1", "1e9", "0x10", "99999999999999"),
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.option(header), (body, length) =>
      survives(bytes(body, length === null ? {} : { "inference-header-content-length": length })),
    ),
    { numRuns: 500 },
  );
});

test("arbitrary JSON in the form of a request never gives a 5xx", async () => {
  const wild = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(-1, 0, 1e300, 2 ** 53, "__proto__", [1, 1], [2]),
  );
  const parameters = fc.oneof(
    wild,
    fc.record({ binary_data_size: wild, binary_data: wild, classification: wild, binary_data_output: wild }),
  );
  const names = fc.constantFrom("tenure", "contract", "monthly_charges", "probabilities", "label");
  const tensor = fc.record(
    {
      name: fc.oneof(names, wild),
      datatype: fc.oneof(fc.constantFrom(...Object.keys(datatypes)), wild),
      shape: fc.oneof(fc.array(fc.oneof(fc.nat({ max: 3 }), wild), { maxLength: 3 }), wild),
      data: fc.oneof(fc.array(wild, { maxLength: 4 }), wild),
      parameters,
    },
    { requiredKeys: [] },
  );
  const request = fc.record(
    {
      id: wild,
      parameters,
      inputs: fc.oneof(fc.array(fc.oneof(tensor, wild), { maxLength: 3 }), wild),
      outputs: fc.oneof(fc.array(fc.oneof(tensor, wild), { maxLength: 3 }), wild),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(request, (body) => survives(bytes(Buffer.from(JSON.stringify(body))))),
    { numRuns: 1_000 },
  );
});

type Change = { readonly at: number; readonly drop: number; readonly put: Uint8Array };
const change: fc.Arbitrary<Change> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  drop: fc.constantFrom(0, 1, 1, 4, 1_000),
  put: fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc.constant(Buffer.from("-")),
    fc.constant(Buffer.from("9")),
  ),
});
const mutate = (body: Uint8Array, { at, drop, put }: Change): Uint8Array => {
  const from = Math.floor(at * body.length);
  return Buffer.concat([body.subarray(0, from), put, body.subarray(from + drop)]);
};

test("a valid request with changed, added or removed bytes never gives a 5xx, and the next one gets predictions", async () => {
  await fc.assert(
    fc.asyncProperty(
      valid,
      fc.array(change, { minLength: 1, maxLength: 3 }),
      fc.constantFrom(-4, -1, 0, 0, 0, 1, 8),
      async (given, changes, shift) => {
        const whole = buildBinaryRequest(inBinary(given));
        const length = Number(new Headers(whole.headers).get("inference-header-content-length"));
        await survives(
          bytes(changes.reduce(mutate, whole.body), {
            "inference-header-content-length": String(length + shift),
          }),
        );
        await survives(
          bytes(changes.reduce(mutate, Buffer.from(String(buildJsonRequest(inJson(given)).body)))),
        );
        expect((await infer(whole)).status).toBe(200);
      },
    ),
    { numRuns: 300 },
  );
});
