import type { PredictRequest } from "#inference/run-prediction.ts";
import type { Input } from "#model-folder/manifest/manifest.ts";
import { setOwnProperty } from "#untrusted/set-own-property.ts";
import { type Datatype, type DatatypeKind, datatypes, elementDatatypes } from "./datatypes.ts";
import type { InvalidValue } from "./invalid-value.ts";
import { elementPointer, type Tensor } from "./read-tensor.ts";

/** The values of an input: every `tensor.width`th value of the tensor, from `offset` on. */
type Column = {
  readonly input: Input;
  readonly tensor: Tensor;
  /** The tensor's index in the request's inputs. */
  readonly index: number;
  readonly offset: number;
};

const isIdentifier = (input: Input): boolean => input.type === "string" && input.format === "int64";

const scalarDatatypes: Readonly<Record<Exclude<Input["type"], "tensor">, Datatype>> = {
  integer: "INT64",
  number: "FP64",
  boolean: "BOOL",
  category: "BYTES",
  string: "BYTES",
  // The base64 text of a JPEG or PNG.
  image: "BYTES",
};

/** The datatype of an input in the model's metadata. */
export const inputDatatype = (input: Input): Datatype => {
  if (input.type === "tensor") return elementDatatypes[input.element];
  return isIdentifier(input) ? "INT64" : scalarDatatypes[input.type];
};

/** The shape of one row of an input in the model's metadata; -1: any size. */
export const inputShape = (input: Input): readonly number[] =>
  input.type === "tensor" ? input.shape.map((size) => size ?? -1) : [];

const acceptedKinds: Readonly<Record<Exclude<Input["type"], "tensor">, readonly DatatypeKind[]>> = {
  integer: ["integer", "float"],
  number: ["integer", "float"],
  boolean: ["boolean", "integer", "float"],
  category: ["text"],
  string: ["text"],
  image: ["text"],
};

const listAcceptedKinds = (input: Input): readonly DatatypeKind[] => {
  if (isIdentifier(input)) return ["integer", "text"];
  if (input.type !== "tensor") return acceptedKinds[input.type];
  const { kind } = datatypes[elementDatatypes[input.element]];
  return kind === "integer" || kind === "float" ? ["integer", "float"] : [kind];
};

const inputPointer = (index: number): string => `/inputs/${index}`;

const findDatatypeProblem = ({ input, tensor, index }: Column): InvalidValue | undefined =>
  listAcceptedKinds(input).includes(datatypes[tensor.datatype].kind)
    ? undefined
    : {
        pointer: `${inputPointer(index)}/datatype`,
        detail: `${tensor.datatype} cannot hold ${input.name}: send ${inputDatatype(input)}`,
      };

const findShapeProblem = (shape: readonly (number | null)[], tensor: Tensor): string | undefined =>
  tensor.shape.length === shape.length &&
  shape.every((size, axis) => size === null || size === tensor.shape[axis])
    ? undefined
    : `must be [rows, ${shape.map((size) => size ?? "any").join(", ")}]`;

/** Whether the request has one tensor whose columns are all the manifest's inputs, in order. */
const isMatrix = (tensors: readonly Tensor[], inputs: readonly Input[]): boolean =>
  inputs.length > 1 && tensors.length === 1 && tensors[0]?.width === inputs.length;

/** Matches a tensor to each input by name; optional inputs may have none. */
const matchByName = (
  tensors: readonly Tensor[],
  inputs: readonly Input[],
): readonly Column[] | InvalidValue => {
  const known = new Map(inputs.map((input) => [input.name, input]));
  const columns = new Map<string, Column>();
  for (const [index, tensor] of tensors.entries()) {
    const input = known.get(tensor.name);
    if (!input) return { pointer: `${inputPointer(index)}/name`, detail: "unknown input" };
    if (columns.has(tensor.name))
      return { pointer: `${inputPointer(index)}/name`, detail: "duplicate input" };
    if (input.type === "tensor") {
      const detail = findShapeProblem(input.shape, tensor);
      if (detail !== undefined) return { pointer: `${inputPointer(index)}/shape`, detail };
    } else if (tensor.shape.length > 1)
      return { pointer: `${inputPointer(index)}/shape`, detail: "must be [rows] or [rows, 1]" };
    else if (tensor.width !== 1)
      return {
        pointer: `${inputPointer(index)}/shape/1`,
        detail: `must be 1, or ${inputs.length} if one tensor has all inputs`,
      };
    columns.set(tensor.name, { input, tensor, index, offset: 0 });
  }
  const missing = inputs.filter(({ name, required }) => required && !columns.has(name));
  if (missing.length > 0) {
    const shown = missing.slice(0, 10).map(({ name }) => name);
    const more = missing.length > shown.length ? ` and ${missing.length - shown.length} more` : "";
    return { pointer: "/inputs", detail: `missing inputs: ${shown.join(", ")}${more}` };
  }
  return [...columns.values()];
};

const toColumns = (
  tensors: readonly Tensor[],
  inputs: readonly Input[],
): readonly Column[] | InvalidValue => {
  const [first] = tensors;
  if (!first) return { pointer: "/inputs", detail: "must have a tensor for each input of the model" };
  for (const [index, { rows }] of tensors.entries())
    if (rows !== first.rows)
      return {
        pointer: `${inputPointer(index)}/shape/0`,
        detail: `must be ${first.rows} rows, as in /inputs/0`,
      };
  const columns = isMatrix(tensors, inputs)
    ? inputs.map((input, offset): Column => ({ input, tensor: first, index: 0, offset }))
    : matchByName(tensors, inputs);
  if ("pointer" in columns) return columns;
  for (const column of columns) {
    const problem = findDatatypeProblem(column);
    if (problem) return problem;
  }
  return columns;
};

/** Nested arrays of this shape, from flat elements, row-major. */
const nest = (
  values: Tensor["values"],
  start: number,
  [size = 0, ...inner]: readonly number[],
): unknown[] => {
  const stride = inner.reduce((product, each) => product * each, 1);
  return Array.from({ length: size }, (_, index) =>
    inner.length === 0 ? values[start + index] : nest(values, start + index * stride, inner),
  );
};

/**
 * Converts a column's values to those of rows. Tensors have no missing value: for an optional input it is NaN among floats,
 * or the empty text if no category is empty. A 32-bit float that equals a rounded limit of the input's range becomes that
 * limit, because rounding can move it out of the range.
 */
const readColumnValues = ({ input, tensor, offset }: Column): unknown[] => {
  const { values, width, rows } = tensor;
  if (input.type === "tensor")
    return Array.from({ length: rows }, (_, row) => nest(values, row * width, tensor.shape));
  const column = new Array<unknown>(rows);
  for (let row = 0, index = offset; row < rows; row++, index += width) column[row] = values[index];
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    const read = isIdentifier(input) ? String : Number;
    for (let row = 0; row < rows; row++) column[row] = read(column[row]);
  }
  if (input.type === "boolean" && datatypes[tensor.datatype].kind !== "boolean") {
    for (let row = 0; row < rows; row++)
      if (column[row] === 1) column[row] = true;
      else if (column[row] === 0) column[row] = false;
  } else if (values instanceof Float32Array && (input.type === "number" || input.type === "integer")) {
    const [roundedMin, roundedMax] = [Math.fround(input.min), Math.fround(input.max)];
    for (let row = 0; row < rows; row++)
      if (column[row] === roundedMin) column[row] = input.min;
      else if (column[row] === roundedMax) column[row] = input.max;
  }
  if (input.required) return column;
  if (values instanceof Float32Array || values instanceof Float64Array) {
    for (let row = 0; row < rows; row++) if (Number.isNaN(column[row])) column[row] = null;
  } else if (input.type === "category" && !input.values.includes("")) {
    for (let row = 0; row < rows; row++) if (column[row] === "") column[row] = null;
  }
  return column;
};

/**
 * Converts a request's tensors to rows: a tensor [rows] or [rows, 1] for each of the manifest's inputs, [rows, ...shape] for
 * an input of type tensor, or a single tensor [rows, inputs] with all of them in order.
 */
export const tensorsToRows = (
  tensors: readonly Tensor[],
  inputs: readonly Input[],
): PredictRequest | InvalidValue => {
  const columns = toColumns(tensors, inputs);
  if ("pointer" in columns) return columns;
  const names = columns.map(({ input }) => input.name);
  const values = columns.map(readColumnValues);
  // Rows that are cloned from one object share its hidden class, which makes reading them several times faster.
  const blank = Object.fromEntries(names.map((name): [string, unknown] => [name, null]));
  const rows = Array.from({ length: columns[0]?.tensor.rows ?? 0 }, () => ({ ...blank }));
  for (const [index, name] of names.entries()) {
    const column = values[index] ?? [];
    for (const [position, row] of rows.entries()) setOwnProperty(row, name, column[position]);
  }
  return {
    rows,
    pointer: ({ row, input, path = [] }) => {
      const column = columns.find((candidate) => candidate.input.name === input);
      if (!column || row === undefined) return "/inputs";
      const { tensor, offset, index } = column;
      const place = path.reduce(
        (sum, at, axis) =>
          sum + at * tensor.shape.slice(axis + 1).reduce((product, size) => product * size, 1),
        0,
      );
      return elementPointer(inputPointer(index), tensor, row * tensor.width + offset + place);
    },
  };
};
