import { type InvalidValue, isInvalidValue } from "./invalid-value.ts";
import { asJsonObject } from "./json-object.ts";
import type { ModelOutput } from "./model-outputs.ts";

/** An output as the caller wants it. */
export type RequestedOutput = {
  readonly output: ModelOutput;
  readonly binary: boolean;
  /** How many of the most likely labels, as text, instead of the numbers. */
  readonly classes: number | undefined;
};

const readFlag = (value: unknown, pointer: string, otherwise: boolean): boolean | InvalidValue =>
  value === undefined
    ? otherwise
    : typeof value === "boolean"
      ? value
      : { pointer, detail: "must be true or false" };

const readOutput = (
  given: unknown,
  at: string,
  outputs: readonly ModelOutput[],
  allBinary: boolean,
): RequestedOutput | InvalidValue => {
  const asked = asJsonObject(given);
  if (!asked) return { pointer: at, detail: "must be an object with a name" };
  const output = outputs.find(({ name }) => name === asked.name);
  if (!output)
    return { pointer: `${at}/name`, detail: `must be one of ${outputs.map(({ name }) => name).join(", ")}` };
  const parameters = asJsonObject(asked.parameters ?? {});
  if (!parameters) return { pointer: `${at}/parameters`, detail: "must be an object" };
  const binary = readFlag(parameters.binary_data, `${at}/parameters/binary_data`, allBinary);
  if (typeof binary !== "boolean") return binary;
  const count = parameters.classification;
  if (count === undefined) return { output, binary, classes: undefined };
  const pointer = `${at}/parameters/classification`;
  if (!output.labels) return { pointer, detail: `${output.name} holds no scores of labels` };
  if (typeof count !== "number" || !Number.isSafeInteger(count) || count < 1)
    return { pointer, detail: "must be a whole number from 1 on" };
  return { output, binary, classes: Math.min(count, output.labels.length) };
};

/**
 * The outputs that a request asks for: those that it lists, else all; in JSON, or as binary data where `binary_data` or
 * the request's `binary_data_output` says so.
 */
export const readRequestedOutputs = (
  listed: unknown,
  given: unknown,
  outputs: readonly ModelOutput[],
): readonly RequestedOutput[] | InvalidValue => {
  const parameters = asJsonObject(given ?? {});
  if (!parameters) return { pointer: "/parameters", detail: "must be an object" };
  const allBinary = readFlag(parameters.binary_data_output, "/parameters/binary_data_output", false);
  if (typeof allBinary !== "boolean") return allBinary;
  if (listed !== undefined && listed !== null && !Array.isArray(listed))
    return { pointer: "/outputs", detail: "must be an array" };
  if (!listed || listed.length === 0)
    return outputs.map((output) => ({ output, binary: allBinary, classes: undefined }));
  const asked: RequestedOutput[] = [];
  for (const [index, one] of listed.entries()) {
    const read = readOutput(one, `/outputs/${index}`, outputs, allBinary);
    if (isInvalidValue(read)) return read;
    if (asked.some(({ output }) => output === read.output))
      return { pointer: `/outputs/${index}/name`, detail: "names an output that came before" };
    asked.push(read);
  }
  return asked;
};
