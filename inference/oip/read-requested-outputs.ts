import { type InvalidValue, isInvalidValue } from "./invalid-value.ts";
import type { ModelOutput } from "./model-outputs.ts";
import { asJsonObject } from "./read-tensor.ts";

/** An output in the form that the caller requested. */
export type RequestedOutput = {
  readonly output: ModelOutput;
  readonly binary: boolean;
  /** The number of most likely labels to return as text, instead of the scores. */
  readonly classes: number | undefined;
};

const readFlag = (value: unknown, pointer: string, defaultValue: boolean): boolean | InvalidValue =>
  value === undefined
    ? defaultValue
    : typeof value === "boolean"
      ? value
      : { pointer, detail: "must be true or false" };

const readOutput = (
  value: unknown,
  base: string,
  outputs: readonly ModelOutput[],
  allBinary: boolean,
): RequestedOutput | InvalidValue => {
  const requested = asJsonObject(value);
  if (!requested) return { pointer: base, detail: "must be an object with a name" };
  const output = outputs.find(({ name }) => name === requested.name);
  if (!output)
    return {
      pointer: `${base}/name`,
      detail: `must be one of ${outputs.map(({ name }) => name).join(", ")}`,
    };
  const parameters = asJsonObject(requested.parameters ?? {});
  if (!parameters) return { pointer: `${base}/parameters`, detail: "must be an object" };
  const binary = readFlag(parameters.binary_data, `${base}/parameters/binary_data`, allBinary);
  if (typeof binary !== "boolean") return binary;
  const count = parameters.classification;
  if (count === undefined) return { output, binary, classes: undefined };
  const pointer = `${base}/parameters/classification`;
  if (!output.labels) return { pointer, detail: `${output.name} has no scores of labels` };
  if (typeof count !== "number" || !Number.isSafeInteger(count) || count < 1)
    return { pointer, detail: "must be a whole number of at least 1" };
  return { output, binary, classes: Math.min(count, output.labels.length) };
};

/**
 * Reads the requested outputs: those that the request lists, else all; in JSON, or as binary data if `binary_data` or the
 * request's `binary_data_output` is true.
 */
export const readRequestedOutputs = (
  listed: unknown,
  requestParameters: unknown,
  outputs: readonly ModelOutput[],
): readonly RequestedOutput[] | InvalidValue => {
  const parameters = asJsonObject(requestParameters ?? {});
  if (!parameters) return { pointer: "/parameters", detail: "must be an object" };
  const allBinary = readFlag(parameters.binary_data_output, "/parameters/binary_data_output", false);
  if (typeof allBinary !== "boolean") return allBinary;
  if (listed !== undefined && listed !== null && !Array.isArray(listed))
    return { pointer: "/outputs", detail: "must be an array" };
  if (!listed || listed.length === 0)
    return outputs.map((output) => ({ output, binary: allBinary, classes: undefined }));
  const requested: RequestedOutput[] = [];
  for (const [index, value] of listed.entries()) {
    const result = readOutput(value, `/outputs/${index}`, outputs, allBinary);
    if (isInvalidValue(result)) return result;
    if (requested.some(({ output }) => output === result.output))
      return { pointer: `/outputs/${index}/name`, detail: "duplicate output" };
    requested.push(result);
  }
  return requested;
};
