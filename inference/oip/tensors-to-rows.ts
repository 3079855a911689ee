import type { PredictRequest } from "#inference/run-prediction.ts";
import type { Input } from "#model-folder/manifest/manifest.ts";
import { type Datatype, type DatatypeKind, datatypes } from "./datatypes.ts";
import type { InvalidValue } from "./invalid-value.ts";
import { elementPointer, type Tensor } from "./read-tensor.ts";

/** Where an input's values lie: every `tensor.width`th of the tensor's, from `offset` on. */
type Column = {
  readonly input: Input;
  readonly tensor: Tensor;
  /** The tensor's place among the request's inputs. */
  readonly index: number;
  readonly offset: number;
};

/** The datatype that a model's metadata names for an input. */
export const inputDatatypes: Readonly<Record<Input["type"], Datatype>> = {
  integer: "INT64",
  number: "FP64",
  boolean: "BOOL",
  category: "BYTES",
  string: "BYTES",
};

const acceptedKinds: Readonly<Record<Input["type"], readonly DatatypeKind[]>> = {
  integer: ["integer", "float"],
  number: ["integer", "float"],
  boolean: ["boolean", "integer", "float"],
  category: ["text"],
  string: ["text"],
};

const inputPointer = (index: number): string => `/inputs/${index}`;

const findDatatypeProblem = ({ input, tensor, index }: Column): InvalidValue | undefined =>
  acceptedKinds[input.type].includes(datatypes[tensor.datatype].kind)
    ? undefined
    : {
        pointer: `${inputPointer(index)}/datatype`,
        detail: `${tensor.datatype} cannot hold ${input.name}, which is ${inputDatatypes[input.type]}`,
      };

/** One tensor whose columns are all the manifest's inputs, in order. */
const isMatrix = (tensors: readonly Tensor[], inputs: readonly Input[]): boolean =>
  inputs.length > 1 && tensors.length === 1 && tensors[0]?.width === inputs.length;

/** A tensor for each input, found by name; of inputs that are not required it may be left out. */
const matchByName = (
  tensors: readonly Tensor[],
  inputs: readonly Input[],
): readonly Column[] | InvalidValue => {
  const known = new Map(inputs.map((input) => [input.name, input]));
  const columns = new Map<string, Column>();
  for (const [index, tensor] of tensors.entries()) {
    const input = known.get(tensor.name);
    if (!input) return { pointer: `${inputPointer(index)}/name`, detail: "is no input of this model" };
    if (columns.has(tensor.name))
      return { pointer: `${inputPointer(index)}/name`, detail: "names an input that came before" };
    if (tensor.width !== 1)
      return {
        pointer: `${inputPointer(index)}/shape/1`,
        detail: `must be 1, or ${inputs.length} where one tensor holds all inputs`,
      };
    columns.set(tensor.name, { input, tensor, index, offset: 0 });
  }
  const absent = inputs.filter(({ name, required }) => required && !columns.has(name));
  if (absent.length > 0) {
    const named = absent.slice(0, 10).map(({ name }) => name);
    const more = absent.length > named.length ? ` and ${absent.length - named.length} more` : "";
    return { pointer: "/inputs", detail: `lacks ${named.join(", ")}${more}` };
  }
  return [...columns.values()];
};

const toColumns = (
  tensors: readonly Tensor[],
  inputs: readonly Input[],
): readonly Column[] | InvalidValue => {
  const [first] = tensors;
  if (!first) return { pointer: "/inputs", detail: "must hold a tensor for each input of the model" };
  for (const [index, { rows }] of tensors.entries())
    if (rows !== first.rows)
      return {
        pointer: `${inputPointer(index)}/shape/0`,
        detail: `must be ${first.rows} rows, as /inputs/0 has`,
      };
  const columns = isMatrix(tensors, inputs)
    ? inputs.map((input, offset): Column => ({ input, tensor: first, index: 0, offset }))
    : matchByName(tensors, inputs);
  if ("pointer" in columns) return columns;
  for (const column of columns) {
    const flaw = findDatatypeProblem(column);
    if (flaw) return flaw;
  }
  return columns;
};

/**
 * A column's values as rows have them. A missing value, which tensors have no word for, is NaN among floats and an
 * empty text among categories, where the input may be missing and no category is empty. A 32-bit float that stands for
 * a limit of the input's range is that limit: rounded it may lie just beyond.
 */
const readColumnValues = ({ input, tensor, offset }: Column): unknown[] => {
  const { values, width, rows } = tensor;
  const column = new Array<unknown>(rows);
  for (let row = 0, place = offset; row < rows; row++, place += width) column[row] = values[place];
  if (input.type === "boolean" && datatypes[tensor.datatype].kind !== "boolean") {
    for (let row = 0; row < rows; row++)
      if (column[row] === 1) column[row] = true;
      else if (column[row] === 0) column[row] = false;
  } else if (values instanceof Float32Array && "min" in input) {
    const [least, most] = [Math.fround(input.min), Math.fround(input.max)];
    for (let row = 0; row < rows; row++)
      if (column[row] === least) column[row] = input.min;
      else if (column[row] === most) column[row] = input.max;
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
 * The rows that a request's tensors hold: a tensor [rows] or [rows, 1] for each of the manifest's inputs, or a single one
 * [rows, inputs] with all of them in order.
 */
export const tensorsToRows = (
  tensors: readonly Tensor[],
  inputs: readonly Input[],
): PredictRequest | InvalidValue => {
  const columns = toColumns(tensors, inputs);
  if ("pointer" in columns) return columns;
  const names = columns.map(({ input }) => input.name);
  const values = columns.map(readColumnValues);
  // Rows cloned from one object share its shape, which makes reading them several times faster.
  const blank = Object.fromEntries(names.map((name): [string, unknown] => [name, null]));
  const rows = Array.from({ length: columns[0]?.tensor.rows ?? 0 }, () => ({ ...blank }));
  for (const [column, name] of names.entries()) {
    const from = values[column] ?? [];
    for (let row = 0; row < rows.length; row++) {
      const one = rows[row];
      if (one) one[name] = from[row];
    }
  }
  return {
    rows,
    pointer: ({ row, input }) => {
      const column = columns.find((one) => one.input.name === input);
      if (!column || row === undefined) return "/inputs";
      const { tensor, offset, index } = column;
      return elementPointer(inputPointer(index), tensor, row * tensor.width + offset);
    },
  };
};
