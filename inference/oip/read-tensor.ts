import { maxRows } from "#model-folder/rows/encode-rows.ts";
import { type Datatype, datatypes, isDatatype } from "./datatypes.ts";
import { decodeBinary, type TensorValues } from "./decode-binary.ts";
import { type InvalidValue, isInvalidValue } from "./invalid-value.ts";
import { asJsonObject } from "./json-object.ts";

/** An input tensor: `width` columns of `rows` values, row by row. */
export type Tensor = {
  readonly name: string;
  readonly datatype: Datatype;
  readonly rank: 1 | 2;
  readonly rows: number;
  readonly width: number;
  /** Of the kind that the datatype says where they came as binary data, and whatever JSON holds otherwise. */
  readonly values: TensorValues;
  /** True where `data` held an array for each row. */
  readonly nested: boolean;
};

/** Binary data of the request's tensors: those that have some take theirs one after the other. */
export type BinaryReader = {
  /** The next `size` bytes; undefined where so many are not left. */
  readonly take: (size: number) => Uint8Array | undefined;
  readonly left: () => number;
};

type Shape = Pick<Tensor, "rank" | "rows" | "width">;

const readShape = (shape: unknown, at: string): Shape | InvalidValue => {
  const pointer = `${at}/shape`;
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > 2)
    return { pointer, detail: "must be [rows] or [rows, columns]" };
  for (const [place, size] of shape.entries())
    if (!Number.isSafeInteger(size) || size < 0)
      return { pointer: `${pointer}/${place}`, detail: "must be a whole number that is not negative" };
  const [rows, width = 1] = shape;
  // Checked before anything is multiplied: no product of these overflows.
  if (rows < 1 || rows > maxRows)
    return { pointer: `${pointer}/0`, detail: `must be 1 to ${maxRows} rows; it is ${rows}` };
  if (width < 1 || width > 10_000)
    return { pointer: `${pointer}/1`, detail: `must be 1 to 10000 columns; it is ${width}` };
  return { rank: shape.length === 1 ? 1 : 2, rows, width };
};

/** `data` as one array, row by row: the protocol has it flat, or as an array for each row. */
const flatten = (
  data: readonly unknown[],
  { rank, rows, width }: Shape,
  at: string,
): Pick<Tensor, "values" | "nested"> | InvalidValue => {
  const pointer = `${at}/data`;
  if (rank === 1 || !Array.isArray(data[0]))
    return data.length === rows * width
      ? { values: data, nested: false }
      : { pointer, detail: `must hold the shape's ${rows * width} values; it holds ${data.length}` };
  if (data.length !== rows)
    return { pointer, detail: `must hold the shape's ${rows} rows; it holds ${data.length}` };
  // All are looked at before the space for their values is taken.
  const broken = data.findIndex((line) => !Array.isArray(line) || line.length !== width);
  if (broken >= 0) return { pointer: `${pointer}/${broken}`, detail: `must be an array of ${width}` };
  return { values: data.flat(), nested: true };
};

/** The pointer to a tensor's value, by its place in the flat data. */
export const elementPointer = (at: string, { nested, width }: Tensor, place: number): string =>
  nested ? `${at}/data/${Math.floor(place / width)}/${place % width}` : `${at}/data/${place}`;

/** Numbers in JSON must be such that their datatype can hold; what is no number at all is found when the rows are read. */
const findOutOfRange = (tensor: Tensor, at: string): InvalidValue | undefined => {
  const type = datatypes[tensor.datatype];
  if (type.kind !== "integer" && type.kind !== "float") return undefined;
  const { least, most } = type;
  const integral = type.kind === "integer";
  const { values } = tensor;
  for (let place = 0; place < values.length; place++) {
    const value = values[place];
    if (typeof value !== "number") continue;
    if (value < least || value > most || (integral && !Number.isInteger(value)))
      return { pointer: elementPointer(at, tensor, place), detail: `is no ${tensor.datatype}` };
  }
  return undefined;
};

const readBinaryTensor = (
  size: unknown,
  binary: BinaryReader,
  head: Shape & Pick<Tensor, "name" | "datatype">,
  at: string,
): Tensor | InvalidValue => {
  const pointer = `${at}/parameters/binary_data_size`;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    return { pointer, detail: "must be a whole number of bytes" };
  const bytes = binary.take(size);
  if (!bytes)
    return { pointer, detail: `${binary.left()} bytes are left in the body after its JSON, not ${size}` };
  const values = decodeBinary(head.datatype, bytes, head.rows * head.width);
  if ("detail" in values)
    return {
      pointer: values.at === undefined ? pointer : `${at}/data/${values.at}`,
      detail: values.detail,
    };
  return { ...head, values, nested: false };
};

const readJsonTensor = (
  data: unknown,
  head: Shape & Pick<Tensor, "name" | "datatype">,
  at: string,
): Tensor | InvalidValue => {
  if (!Array.isArray(data))
    return { pointer: `${at}/data`, detail: "must be an array, or say binary_data_size in its parameters" };
  const flat = flatten(data, head, at);
  if (isInvalidValue(flat)) return flat;
  const tensor = { ...head, ...flat };
  return findOutOfRange(tensor, at) ?? tensor;
};

/** Reads one of the request's `inputs`, at the pointer `at`, or says what is wrong with it. */
export const readTensor = (given: unknown, at: string, binary: BinaryReader): Tensor | InvalidValue => {
  const tensor = asJsonObject(given);
  if (!tensor) return { pointer: at, detail: "must be an object with name, shape, datatype and data" };
  const { name, datatype, data } = tensor;
  if (typeof name !== "string") return { pointer: `${at}/name`, detail: "must be a string" };
  if (!isDatatype(datatype))
    return { pointer: `${at}/datatype`, detail: `must be one of ${Object.keys(datatypes).join(", ")}` };
  const shape = readShape(tensor.shape, at);
  if (isInvalidValue(shape)) return shape;
  const parameters = asJsonObject(tensor.parameters ?? {});
  if (!parameters) return { pointer: `${at}/parameters`, detail: "must be an object" };
  const head = { name, datatype, ...shape };
  const size = parameters.binary_data_size;
  if (size === undefined) return readJsonTensor(data, head, at);
  if (data !== undefined && data !== null)
    return { pointer: `${at}/data`, detail: "must be left out where binary_data_size is given" };
  return readBinaryTensor(size, binary, head, at);
};
