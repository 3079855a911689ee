import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { readBody } from "#inference/http/read-body.ts";
import { readPythonJson } from "#inference/http/read-python-json.ts";
import type { PredictRequest } from "#inference/run-prediction.ts";
import type { Input } from "#model-folder/manifest/manifest.ts";
import { isInvalidValue, toInvalidValueProblem } from "./invalid-value.ts";
import { asJsonObject } from "./json-object.ts";
import type { ModelOutput } from "./model-outputs.ts";
import { type RequestedOutput, readRequestedOutputs } from "./read-requested-outputs.ts";
import { type BinaryReader, readTensor, type Tensor } from "./read-tensor.ts";
import { tensorsToRows } from "./tensors-to-rows.ts";

/** An inference request: what the model is asked, and how the caller wants the answer. */
export type InferRequest = {
  readonly question: PredictRequest;
  readonly id: string | undefined;
  readonly outputs: readonly RequestedOutput[];
};

const maxIdLength = 1_000;

type BodyParts = { readonly json: Uint8Array; readonly binary: Uint8Array };

/** The body's JSON, and the tensors' binary data behind it. */
const splitBody = (body: Uint8Array, header: string | undefined): BodyParts | HttpProblem => {
  if (header === undefined) return { json: body, binary: body.subarray(body.length) };
  const length = /^\d{1,15}$/.test(header) ? Number(header) : undefined;
  if (length === undefined || length > body.length)
    return createProblem(
      "broken-encoding",
      `Inference-Header-Content-Length must be the bytes of the body's JSON, of ${body.length} in all.`,
    );
  if (length === 0)
    return createProblem("broken-encoding", "A tensor without its JSON is not read here: say what it is.");
  return { json: body.subarray(0, length), binary: body.subarray(length) };
};

const createBinaryReader = (bytes: Uint8Array): BinaryReader => {
  let from = 0;
  return {
    left: () => bytes.length - from,
    take: (size) => {
      if (size > bytes.length - from) return undefined;
      from += size;
      return bytes.subarray(from - size, from);
    },
  };
};

const readTensors = (inputs: readonly unknown[], binary: BinaryReader): readonly Tensor[] | HttpProblem => {
  const tensors: Tensor[] = [];
  for (const [index, given] of inputs.entries()) {
    const tensor = readTensor(given, `/inputs/${index}`, binary);
    if (isInvalidValue(tensor)) return toInvalidValueProblem(tensor);
    tensors.push(tensor);
  }
  const left = binary.left();
  return left === 0
    ? tensors
    : toInvalidValueProblem(
        { pointer: "/inputs", detail: `${left} bytes follow the last tensor` },
        "broken-encoding",
      );
};

/** Clients in Python name no type for JSON, and octet-stream for JSON with binary data. */
const isSupportedType = (type: string | undefined): boolean =>
  type === undefined ||
  /^application\/(json|octet-stream|vnd\.[\w.+-]+\+json)\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type);

/**
 * Reads an inference request, JSON alone or with the binary tensor data extension.
 * Sources: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md,
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
export const readInferRequest =
  (inputs: readonly Input[], outputs: readonly ModelOutput[]) =>
  async (request: HttpRequest): Promise<InferRequest | HttpProblem> => {
    if (!isSupportedType(request.header("content-type")))
      return createProblem("wrong-content-type", "Send application/json, or application/octet-stream.");
    const bytes = await readBody(request);
    if (!(bytes instanceof Uint8Array)) return bytes;
    const parts = splitBody(bytes, request.header("inference-header-content-length"));
    if ("status" in parts) return parts;
    const read = readPythonJson(parts.json, { inputs });
    if ("status" in read) return read;
    const body = asJsonObject(read.json);
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
        detail: "holds half of a surrogate pair, which is no text",
      });
    const asked = readRequestedOutputs(body.outputs, body.parameters, outputs);
    if ("pointer" in asked) return toInvalidValueProblem(asked);
    if (!Array.isArray(body.inputs))
      return toInvalidValueProblem({ pointer: "/inputs", detail: "must be an array" });
    const tensors = readTensors(body.inputs, createBinaryReader(parts.binary));
    if ("status" in tensors) return tensors;
    const question = tensorsToRows(tensors, inputs);
    if (isInvalidValue(question)) return toInvalidValueProblem(question);
    return { question, id: id ?? undefined, outputs: asked };
  };
