import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { readBody } from "#inference/http/read-body.ts";
import { readPythonJson } from "#inference/http/read-python-json.ts";
import type { PredictRequest } from "#inference/run-prediction.ts";
import { isArrayInput } from "#model-folder/manifest/array-shape.ts";
import type { Input } from "#model-folder/manifest/manifest.ts";
import { isInvalidValue, toInvalidValueProblem } from "./invalid-value.ts";

import type { ModelOutput } from "./model-outputs.ts";
import { type RequestedOutput, readRequestedOutputs } from "./read-requested-outputs.ts";
import { asJsonObject, type BinaryReader, readTensor, type Tensor } from "./read-tensor.ts";
import { tensorsToRows } from "./tensors-to-rows.ts";

/** An inference request: the rows to predict and the requested form of the response. */
export type InferRequest = {
  readonly predictRequest: PredictRequest;
  readonly id: string | undefined;
  readonly outputs: readonly RequestedOutput[];
};

const maxIdLength = 1_000;

type BodyParts = { readonly json: Uint8Array; readonly binary: Uint8Array };

/** Splits the body into its JSON and the tensors' binary data after it. */
const splitBody = (body: Uint8Array, header: string | undefined): BodyParts | HttpProblem => {
  if (header === undefined) return { json: body, binary: body.subarray(body.length) };
  const length = /^\d{1,15}$/.test(header) ? Number(header) : undefined;
  if (length === undefined || length > body.length)
    return createProblem(
      "broken-encoding",
      `Inference-Header-Content-Length must be the length of the body's JSON, at most ${body.length} bytes.`,
    );
  if (length === 0)
    return createProblem("broken-encoding", "The JSON before the binary data is missing: send it.");
  return { json: body.subarray(0, length), binary: body.subarray(length) };
};

const createBinaryReader = (bytes: Uint8Array): BinaryReader => {
  let offset = 0;
  return {
    remaining: () => bytes.length - offset,
    take: (size) => {
      if (size > bytes.length - offset) return undefined;
      offset += size;
      return bytes.subarray(offset - size, offset);
    },
  };
};

const readTensors = (
  inputs: readonly unknown[],
  binary: BinaryReader,
  vectors: ReadonlySet<string>,
): readonly Tensor[] | HttpProblem => {
  const tensors: Tensor[] = [];
  for (const [index, input] of inputs.entries()) {
    const tensor = readTensor(input, `/inputs/${index}`, binary, vectors);
    if (isInvalidValue(tensor)) return toInvalidValueProblem(tensor);
    tensors.push(tensor);
  }
  const remaining = binary.remaining();
  return remaining === 0
    ? tensors
    : toInvalidValueProblem(
        { pointer: "/inputs", detail: `${remaining} bytes follow the last tensor` },
        "broken-encoding",
      );
};

/** Python clients send no type with JSON, and octet-stream with binary data. */
const isSupportedType = (type: string | undefined): boolean =>
  type === undefined ||
  /^application\/(json|octet-stream|vnd\.[\w.+-]+\+json)\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type);

/**
 * Reads an inference request, as JSON or with the binary tensor data extension.
 * Sources: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md,
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
export const readInferRequest = (inputs: readonly Input[], outputs: readonly ModelOutput[]) => {
  const vectors = new Set(inputs.filter(isArrayInput).map(({ name }) => name));
  return async (request: HttpRequest): Promise<InferRequest | HttpProblem> => {
    if (!isSupportedType(request.header("content-type")))
      return createProblem("wrong-content-type", "Send application/json, or application/octet-stream.");
    const bytes = await readBody(request);
    if (!(bytes instanceof Uint8Array)) return bytes;
    const parts = splitBody(bytes, request.header("inference-header-content-length"));
    if ("status" in parts) return parts;
    const result = readPythonJson(parts.json, { inputs });
    if ("status" in result) return result;
    const body = asJsonObject(result.json);
    if (!body) return toInvalidValueProblem({ pointer: "", detail: 'must be an object { "inputs": [ … ] }' });
    const { id } = body;
    if (id !== undefined && id !== null && (typeof id !== "string" || id.length > maxIdLength))
      return toInvalidValueProblem({
        pointer: "/id",
        detail: `must be a string of at most ${maxIdLength} characters`,
      });
    if (typeof id === "string" && !id.isWellFormed())
      return toInvalidValueProblem({
        pointer: "/id",
        detail: "contains half of a surrogate pair",
      });
    const requestedOutputs = readRequestedOutputs(body.outputs, body.parameters, outputs);
    if ("pointer" in requestedOutputs) return toInvalidValueProblem(requestedOutputs);
    if (!Array.isArray(body.inputs))
      return toInvalidValueProblem({ pointer: "/inputs", detail: "must be an array" });
    const tensors = readTensors(body.inputs, createBinaryReader(parts.binary), vectors);
    if ("status" in tensors) return tensors;
    const predictRequest = tensorsToRows(tensors, inputs);
    if (isInvalidValue(predictRequest)) return toInvalidValueProblem(predictRequest);
    return { predictRequest, id: id ?? undefined, outputs: requestedOutputs };
  };
};
