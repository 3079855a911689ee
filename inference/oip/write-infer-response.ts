import { type HttpResponse, jsonResponse } from "#inference/http/http-response.ts";
import type { Predicted } from "#inference/run-prediction.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { Datatype } from "./datatypes.ts";
import type { RequestedOutput } from "./read-requested-outputs.ts";

type OutputTensor = {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly labels?: string;
  readonly values: readonly number[] | readonly string[] | readonly boolean[];
};

/**
 * Returns the most likely labels of each row as `value:index:label`, the most likely first.
 * Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md
 */
const rankLabels = (predictions: readonly Prediction[], labels: readonly string[], count: number): string[] =>
  predictions.flatMap(({ scores }) =>
    labels
      .map((label, index) => ({ label, index, score: getOwnProperty(scores, label) ?? 0 }))
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, count)
      .map(({ label, index, score }) => `${score}:${index}:${label}`),
  );

const writeOutput = (
  { output, classes: count }: RequestedOutput,
  predictions: readonly Prediction[],
): OutputTensor => {
  const { name, datatype, labels } = output;
  const rows = predictions.length;
  const shape = [rows, ...(output.measure?.(predictions) ?? output.shape.map((size) => size ?? 0))];
  if (!labels) return { name, datatype, shape, values: output.read(predictions) };
  if (count !== undefined)
    return { name, datatype: "BYTES", shape: [rows, count], values: rankLabels(predictions, labels, count) };
  // Parameters can only be strings, numbers and booleans, so the list of names is JSON text.
  return { name, datatype, shape, labels: JSON.stringify(labels), values: output.read(predictions) };
};

const isTexts = (values: OutputTensor["values"]): values is readonly string[] =>
  typeof values[0] === "string";

/** Little-endian elements, as every machine that runs this has them. */
const typedArrays = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  FP16: Float16Array,
  FP32: Float32Array,
  FP64: Float64Array,
} as const;

/** Encodes texts with 4-byte lengths. Few texts repeat often, so each is encoded once. */
const encodeTexts = (values: readonly string[]): Uint8Array => {
  const encoded = new Map<string, Uint8Array>();
  return Buffer.concat(
    values.map((value) => {
      const cached = encoded.get(value);
      if (cached) return cached;
      const text = Buffer.from(value);
      const element = Buffer.allocUnsafe(4 + text.length);
      element.writeUInt32LE(text.length);
      text.copy(element, 4);
      encoded.set(value, element);
      return element;
    }),
  );
};

const encode = ({ datatype, values }: OutputTensor): Uint8Array => {
  if (datatype === "BYTES") return encodeTexts(isTexts(values) ? values : []);
  const numbers = (values as readonly (number | boolean)[]).map(Number);
  const typed =
    datatype === "INT64"
      ? BigInt64Array.from(numbers, BigInt)
      : datatype === "UINT64"
        ? BigUint64Array.from(numbers, BigInt)
        : typedArrays[datatype].from(numbers);
  return new Uint8Array(typed.buffer);
};

/**
 * Writes the protocol's inference response: JSON, followed by the outputs that were requested as binary data, in order. `id`
 * is the caller's, else the prediction's own, which is always in `parameters.prediction_id`.
 */
export const writeInferResponse = (
  { response, predicted }: Predicted,
  id: string | undefined,
  requestedOutputs: readonly RequestedOutput[],
): HttpResponse => {
  const predictions = predicted.toArray();
  const tensors: Uint8Array[] = [];
  const outputs = requestedOutputs.map((requested) => {
    const tensor = writeOutput(requested, predictions);
    const { name, datatype, shape, labels, values } = tensor;
    const parameters = labels === undefined ? {} : { labels };
    if (!requested.binary)
      return { name, datatype, shape, ...(labels === undefined ? {} : { parameters }), data: values };
    const bytes = encode(tensor);
    tensors.push(bytes);
    return { name, datatype, shape, parameters: { ...parameters, binary_data_size: bytes.length } };
  });
  const body = {
    model_name: response.model,
    model_version: String(response.version),
    id: id ?? response.id,
    parameters: { prediction_id: response.id },
    outputs,
  };
  if (tensors.length === 0) return jsonResponse(body);
  const header = Buffer.from(JSON.stringify(body));
  return {
    status: 200,
    headers: {
      "content-type": "application/octet-stream",
      "inference-header-content-length": String(header.length),
    },
    body: Buffer.concat([header, ...tensors]),
  };
};
