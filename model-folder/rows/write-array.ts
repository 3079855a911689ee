import type { ColumnElement } from "#model-folder/onnx/bind-inputs.ts";
import { decodeBase64, readEncoded } from "./encoded-bytes.ts";
import { elementBounds, type FeedData } from "./feed-data.ts";
import { findTextProblem } from "./find-text-problem.ts";
import { toPath } from "./to-path.ts";

export type ValueProblem = { readonly path: readonly number[]; readonly detail: string };

type ArrayRules = {
  readonly element: ColumnElement;
  /** Of one row. */
  readonly shape: readonly number[];
  readonly min?: number | undefined;
  readonly max?: number | undefined;
};

/** Writes one element at a position, or returns the problem. */
type WriteElement = (value: unknown, position: number) => string | undefined;

const createElementWriter = ({ element, min, max }: ArrayRules, data: FeedData): WriteElement => {
  if (Array.isArray(data))
    return (value, position) => {
      if (typeof value !== "string") return "must be a string";
      const problem = findTextProblem(value, maxTextLength);
      if (problem) return problem;
      data[position] = value;
      return undefined;
    };
  if (element === "bool")
    return (value, position) => {
      if (typeof value !== "boolean") return "must be true or false";
      data[position] = value ? 1 : 0;
      return undefined;
    };
  const [lowest, highest] = elementBounds[element];
  const least = Math.max(lowest, min ?? lowest);
  const greatest = Math.min(highest, max ?? highest);
  const isFloat = element.startsWith("float");
  const isBig = data instanceof BigInt64Array || data instanceof BigUint64Array;
  return (value, position) => {
    if (typeof value !== "number") return `must be ${isFloat ? "a number" : "an integer"}`;
    if (!Number.isFinite(value)) return "must be a finite number";
    if (!isFloat && !Number.isInteger(value)) return "must be an integer";
    if (value < least || value > greatest) return `must be between ${least} and ${greatest}`;
    if (isBig) data[position] = BigInt(value);
    else data[position] = value;
    return undefined;
  };
};

const maxTextLength = 10_000;

/**
 * Creates a function that writes a row's nested arrays into the data, row-major from a position on. It returns the first
 * problem with its path.
 */
const createNestedWriter = ({ shape }: ArrayRules, write: WriteElement) => {
  const last = shape.length - 1;
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const writeAxis = (value: unknown, axis: number, start: number): ValueProblem | undefined => {
    const size = shape[axis] ?? 0;
    if (!Array.isArray(value)) return { path: [], detail: `must be an array of ${size}` };
    if (value.length !== size)
      return { path: [], detail: `must be an array of ${size}; it has ${value.length}` };
    if (axis === last) {
      for (let index = 0; index < size; index++) {
        const detail = write(value[index], start + index);
        if (detail !== undefined) return { path: [index], detail };
      }
      return undefined;
    }
    const stride = strides[axis] ?? 1;
    for (let index = 0; index < size; index++) {
      const problem = writeAxis(value[index], axis + 1, start + index * stride);
      if (problem) return { path: [index, ...problem.path], detail: problem.detail };
    }
    return undefined;
  };
  return (value: unknown, start: number) => writeAxis(value, 0, start);
};

/** Little-endian, as all machines that Slipway runs on. */
const findBytesProblem = (
  { element, shape, min, max }: ArrayRules,
  data: Exclude<FeedData, string[]>,
  start: number,
  length: number,
): ValueProblem | undefined => {
  const isFloat = element.startsWith("float");
  const isBounded = element === "bool" || min !== undefined || max !== undefined;
  if (!isFloat && !isBounded) return undefined;
  const [lowest, highest] = elementBounds[element];
  const least = min ?? (element === "bool" ? 0 : lowest);
  const greatest = max ?? (element === "bool" ? 1 : highest);
  for (let index = 0; index < length; index++) {
    const value = Number(data[start + index]);
    const detail = !Number.isFinite(value)
      ? "must be a finite number"
      : isBounded && (value < least || value > greatest)
        ? `must be between ${least} and ${greatest}`
        : undefined;
    if (detail !== undefined) return { path: toPath(index, shape), detail };
  }
  return undefined;
};

/**
 * Creates a function that writes a row's tensor, nested arrays or `{ base64 }` of little-endian bytes, into `data` from
 * `start` on, row-major. It returns the first problem, with its path in the nested arrays.
 */
export const createArrayWriter = (rules: ArrayRules, data: FeedData) => {
  const writeNested = createNestedWriter(rules, createElementWriter(rules, data));
  const length = rules.shape.reduce((product, size) => product * size, 1);
  return (value: unknown, start: number): ValueProblem | undefined => {
    if (value === undefined || value === null) return { path: [], detail: "is required" };
    const text = readEncoded(value);
    if (text === undefined) return writeNested(value, start);
    if (Array.isArray(data)) return { path: [], detail: "must be nested arrays: texts have no base64 form" };
    const bytes = length * data.BYTES_PER_ELEMENT;
    if (text.length !== 4 * Math.ceil(bytes / 3))
      return {
        path: [],
        detail: `must be the base64 of ${bytes} bytes: ${4 * Math.ceil(bytes / 3)} characters`,
      };
    const decoded = decodeBase64(text);
    if (decoded?.length !== bytes) return { path: [], detail: `is not the base64 of ${bytes} bytes` };
    new Uint8Array(data.buffer, data.byteOffset + start * data.BYTES_PER_ELEMENT, bytes).set(decoded);
    return findBytesProblem(rules, data, start, length);
  };
};
