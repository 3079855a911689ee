import { arrayLimits } from "#model-folder/manifest/array-limits.ts";
import { maxRows } from "#model-folder/rows/encode-rows.ts";
import { toPath } from "#model-folder/rows/to-path.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import { type Datatype, datatypes, isDatatype } from "./datatypes.ts";
import { decodeBinary, type TensorValues } from "./decode-binary.ts";
import { type InvalidValue, isInvalidValue } from "./invalid-value.ts";

export const asJsonObject = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  isJsonObject(value) ? value : undefined;

/** An input tensor: `width` values for each of `rows`, row-major. */
export type Tensor = {
  readonly name: string;
  readonly datatype: Datatype;
  readonly rows: number;
  readonly width: number;
  /** The dimensions of one row; empty for [rows]. */
  readonly shape: readonly number[];
  /** Binary data has values of the datatype's kind; JSON can have any values, not yet validated. */
  readonly values: TensorValues;
  /** True if `data` has an array for each row. */
  readonly nested: boolean;
};

/** Reads the binary data of the request's tensors one after the other. */
export type BinaryReader = {
  /** Returns the next `size` bytes; undefined if fewer remain. */
  readonly take: (size: number) => Uint8Array | undefined;
  readonly remaining: () => number;
};

type Shape = Pick<Tensor, "rows" | "width" | "shape">;

const maxRank = 8;
/** Of a tensor [rows, columns]. A tensor of more dimensions is one input, which has limits of its own. */
const maxColumns = 10_000;

const readShape = (shape: unknown, base: string, limit: number): Shape | InvalidValue => {
  const pointer = `${base}/shape`;
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > maxRank)
    return { pointer, detail: `must be [rows], [rows, columns] or at most ${maxRank} dimensions` };
  for (const [index, size] of shape.entries())
    if (!Number.isSafeInteger(size) || size < 0)
      return { pointer: `${pointer}/${index}`, detail: "must be a whole number of at least 0" };
  const [rows, ...inner] = shape;
  // Checked before the multiplication, so that no product overflows.
  if (rows < 1 || rows > maxRows)
    return { pointer: `${pointer}/0`, detail: `must be 1 to ${maxRows} rows; it is ${rows}` };
  const width = inner.reduce((product, size) => Math.min(product * size, 2 * arrayLimits.rowElements), 1);
  if (inner.length === 1 && width > limit)
    return { pointer: `${pointer}/1`, detail: `must be 1 to ${limit} columns; it is ${inner[0]}` };
  const empty = inner.findIndex((size) => size < 1);
  if (empty >= 0)
    return {
      pointer: `${pointer}/${empty + 1}`,
      detail: inner.length === 1 ? `must be 1 to ${limit} columns; it is 0` : "must be at least 1",
    };
  if (width > arrayLimits.rowElements)
    return { pointer, detail: `must have at most ${arrayLimits.rowElements} elements per row` };
  return { rows, width, shape: inner };
};

/** Appends the elements of nested arrays of this shape; returns the problem of the first array of another length. */
const flattenNested = (
  value: unknown,
  shape: readonly number[],
  pointer: string,
  into: unknown[],
): InvalidValue | undefined => {
  const [size = 0, ...inner] = shape;
  if (!Array.isArray(value) || value.length !== size)
    return { pointer, detail: `must be an array of ${size} values` };
  for (const [index, each] of value.entries()) {
    if (inner.length === 0) into.push(each);
    else {
      const problem = flattenNested(each, inner, `${pointer}/${index}`, into);
      if (problem) return problem;
    }
  }
  return undefined;
};

/** Flattens `data` row by row: the protocol allows it flat, or with an array for each row and each inner dimension. */
const flatten = (
  data: readonly unknown[],
  { rows, width, shape }: Shape,
  base: string,
): Pick<Tensor, "values" | "nested"> | InvalidValue => {
  const pointer = `${base}/data`;
  if (shape.length === 0 || !Array.isArray(data[0]))
    return data.length === rows * width
      ? { values: data, nested: false }
      : { pointer, detail: `must have ${rows * width} values, as the shape says; it has ${data.length}` };
  if (data.length !== rows)
    return { pointer, detail: `must have ${rows} rows, as the shape says; it has ${data.length}` };
  if (shape.length > 1) {
    const values: unknown[] = [];
    const problem = flattenNested(data, [rows, ...shape], pointer, values);
    return problem ?? { values, nested: true };
  }
  // Checked before memory for the values is allocated.
  const invalid = data.findIndex((row) => !Array.isArray(row) || row.length !== width);
  if (invalid >= 0)
    return { pointer: `${pointer}/${invalid}`, detail: `must be an array of ${width} values` };
  return { values: data.flat(), nested: true };
};

/** Returns the pointer to a tensor's value by its index in the flat data. */
export const elementPointer = (base: string, { nested, rows, shape }: Tensor, index: number): string =>
  nested ? `${base}/data/${toPath(index, [rows, ...shape]).join("/")}` : `${base}/data/${index}`;

/** Finds a number that its datatype cannot hold. The later check of the rows finds values that are not numbers. */
const findOutOfRange = (tensor: Tensor, base: string): InvalidValue | undefined => {
  const type = datatypes[tensor.datatype];
  if (type.kind !== "integer" && type.kind !== "float") return undefined;
  const { min, max } = type;
  const isInteger = type.kind === "integer";
  const { values } = tensor;
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (typeof value !== "number") continue;
    if (value < min || value > max || (isInteger && !Number.isInteger(value)))
      return {
        pointer: elementPointer(base, tensor, index),
        detail: `does not fit in ${tensor.datatype}`,
      };
  }
  return undefined;
};

const readBinaryTensor = (
  size: unknown,
  binary: BinaryReader,
  head: Shape & Pick<Tensor, "name" | "datatype">,
  base: string,
): Tensor | InvalidValue => {
  const pointer = `${base}/parameters/binary_data_size`;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    return { pointer, detail: "must be a whole number of bytes" };
  const bytes = binary.take(size);
  if (!bytes) return { pointer, detail: `only ${binary.remaining()} bytes remain in the body, not ${size}` };
  const values = decodeBinary(head.datatype, bytes, head.rows * head.width);
  if ("detail" in values)
    return {
      pointer: values.index === undefined ? pointer : `${base}/data/${values.index}`,
      detail: values.detail,
    };
  return { ...head, values, nested: false };
};

const readJsonTensor = (
  data: unknown,
  head: Shape & Pick<Tensor, "name" | "datatype">,
  base: string,
): Tensor | InvalidValue => {
  if (!Array.isArray(data))
    return { pointer: `${base}/data`, detail: "must be an array, unless binary_data_size is set" };
  const flat = flatten(data, head, base);
  if (isInvalidValue(flat)) return flat;
  const tensor = { ...head, ...flat };
  return findOutOfRange(tensor, base) ?? tensor;
};

/**
 * Reads one of the request's `inputs`. `base` is its pointer.
 * @param vectors names of inputs that are tensors of one dimension, which may be longer than a table is wide
 */
export const readTensor = (
  value: unknown,
  base: string,
  binary: BinaryReader,
  vectors: ReadonlySet<string> = new Set(),
): Tensor | InvalidValue => {
  const tensor = asJsonObject(value);
  if (!tensor) return { pointer: base, detail: "must be an object with name, shape, datatype and data" };
  const { name, datatype, data } = tensor;
  if (typeof name !== "string") return { pointer: `${base}/name`, detail: "must be a string" };
  if (!isDatatype(datatype))
    return { pointer: `${base}/datatype`, detail: `must be one of ${Object.keys(datatypes).join(", ")}` };
  const limit = vectors.has(name) ? arrayLimits.rowElements : maxColumns;
  const shape = readShape(tensor.shape, base, limit);
  if (isInvalidValue(shape)) return shape;
  const parameters = asJsonObject(tensor.parameters ?? {});
  if (!parameters) return { pointer: `${base}/parameters`, detail: "must be an object" };
  const head = { name, datatype, ...shape };
  const size = parameters.binary_data_size;
  if (size === undefined) return readJsonTensor(data, head, base);
  if (data !== undefined && data !== null)
    return { pointer: `${base}/data`, detail: "must be omitted if binary_data_size is set" };
  return readBinaryTensor(size, binary, head, base);
};
