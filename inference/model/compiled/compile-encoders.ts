import type { WholeNode } from "#model-folder/onnx/read-graph.ts";
import type { CompileOperator } from "./compile-operator.ts";
import type { ColumnType, Scalar, StepIndex } from "./compiled-graph.ts";
import { NotCompiled } from "./not-compiled.ts";
import { type Attributes, readAttributes } from "./read-attributes.ts";
import { findRowAxis, pick, type RowTensor, toFixed } from "./row-tensor.ts";
import { toScalar, toScalars } from "./scalars.ts";

const oneHotEncoder: CompileOperator = (node, { builder, rows }) => {
  const { operator } = node;
  const attributes = readAttributes(node);
  attributes.assertOnly("cats_int64s", "cats_strings", "zeros");
  const value = rows(0);
  const texts = attributes.strings("cats_strings") ?? [];
  const integers = (attributes.ints("cats_int64s") ?? []).map(String);
  const isText = value.type === "string";
  const keys = isText ? texts : integers;
  if (keys.length === 0 || (isText ? integers : texts).length > 0)
    throw new NotCompiled(`${operator} has categories of another type than its input`);
  if (value.type !== "string" && value.type !== "int64" && value.type !== "float32")
    throw new NotCompiled(`${operator} encodes values of type ${value.type}`);
  if (value.dims.length > 2)
    throw new NotCompiled(`${operator} encodes a tensor of ${value.dims.length} dimensions`);
  const mustMatch = attributes.int("zeros") === 0;
  return [
    {
      ...value,
      type: "float32",
      dims: [...value.dims, keys.length],
      columns: value.columns.flatMap((column) => {
        const category = builder.add({ step: "category", type: "int32", column, keys, mustMatch });
        return keys.map((_, key) => builder.add({ step: "one-hot", type: "float32", category, key }));
      }),
    },
  ];
};

type Coding = { readonly keys: readonly Scalar[]; readonly keyType: ColumnType } & {
  readonly values: readonly Scalar[];
  readonly type: ColumnType;
  readonly fallback: Scalar;
};

const sides = {
  strings: { type: "string", fallback: "default_string", backup: "_Unused" },
  int64s: { type: "int64", fallback: "default_int64", backup: "-1" },
  floats: { type: "float32", fallback: "default_float", backup: "-0" },
} as const;
type Side = keyof typeof sides;
const sideNames = ["strings", "int64s", "floats"] as const satisfies readonly Side[];

const readSide = (
  attributes: Attributes,
  prefix: "keys" | "values",
): { readonly side: Side; readonly list: readonly Scalar[] } | undefined => {
  const lists = {
    strings: attributes.strings(`${prefix}_strings`),
    int64s: attributes.ints(`${prefix}_int64s`)?.map(String),
    floats: attributes.floats(`${prefix}_floats`),
  };
  const found = sideNames.filter((side) => lists[side] !== undefined && lists[side].length > 0);
  const [side] = found;
  if (side === undefined || found.length > 1) return undefined;
  return { side, list: Array.from<number | string, Scalar>(lists[side] ?? [], toScalar) };
};
const readDefault = (attributes: Attributes, side: Side): Scalar => {
  const { fallback, backup } = sides[side];
  if (side === "strings") return attributes.string(fallback) ?? backup;
  const number = side === "int64s" ? attributes.int(fallback) : attributes.float(fallback);
  return number === undefined ? backup : side === "int64s" ? String(number) : toScalar(number);
};

const readTensorCoding = (node: WholeNode, attributes: Attributes): Coding | undefined => {
  const keysTensor = attributes.tensor("keys_tensor");
  const valuesTensor = attributes.tensor("values_tensor");
  const defaultTensor = attributes.tensor("default_tensor");
  if (keysTensor === undefined || valuesTensor === undefined || defaultTensor === undefined) return undefined;
  const keys = toFixed(keysTensor).data;
  const values = toFixed(valuesTensor).data;
  const fallback = toFixed(defaultTensor).data;
  if (fallback.type !== values.type || fallback.values.length !== 1)
    throw new NotCompiled(`${node.operator} has a default of another type than its values`);
  if (
    keys.type === "uint8" ||
    values.type === "uint8" ||
    keys.type === "float64" ||
    values.type === "float64"
  )
    return undefined;
  return {
    keys: toScalars(keys),
    keyType: keys.type,
    values: toScalars(values),
    type: values.type,
    fallback: pick(toScalars(fallback), 0),
  };
};

const readCoding = (node: WholeNode): Coding => {
  const attributes = readAttributes(node);
  const { operator } = node;
  const tensorCoding = readTensorCoding(node, attributes);
  if (tensorCoding !== undefined) return tensorCoding;
  attributes.assertOnly(
    ...sideNames.flatMap((side) => [`keys_${side}`, `values_${side}`, sides[side].fallback]),
  );
  const keys = readSide(attributes, "keys");
  const values = readSide(attributes, "values");
  if (keys === undefined || values === undefined)
    throw new NotCompiled(`${operator} does not list its keys and values once`);
  return {
    keys: keys.list,
    keyType: sides[keys.side].type,
    values: values.list,
    type: sides[values.side].type,
    fallback: readDefault(attributes, values.side),
  };
};

/** The first version maps texts to their places in one list, and places to texts. */
const readFirstCoding = (node: WholeNode, input: ColumnType): Coding => {
  const attributes = readAttributes(node);
  attributes.assertOnly("classes_strings", "default_string", "default_int64");
  const texts = attributes.strings("classes_strings") ?? [];
  const places = texts.map((_, place) => String(place));
  if (new Set(texts).size !== texts.length) throw new NotCompiled(`${node.operator} lists a class twice`);
  return input === "string"
    ? {
        keys: texts,
        keyType: "string",
        values: places,
        type: "int64",
        fallback: String(attributes.int("default_int64") ?? -1),
      }
    : {
        keys: places,
        keyType: "int64",
        values: texts,
        type: "string",
        fallback: attributes.string("default_string") ?? "_Unused",
      };
};

const labelEncoder: CompileOperator = (node, { builder, rows, version }) => {
  const { operator } = node;
  const value = rows(0);
  const coding = version < 2 ? readFirstCoding(node, value.type) : readCoding(node);
  if (coding.keyType !== value.type || coding.keys.length !== coding.values.length)
    throw new NotCompiled(`${operator} has keys of another type or number than its input or values`);
  if (version < 4 && coding.keyType === "float32" && coding.keys.includes("NaN"))
    throw new NotCompiled(`${operator} has NaN as a key`);
  const { keys, values, fallback, type } = coding;
  return [
    builder.mapColumns(value, type, (column) => ({ step: "map", type, column, keys, values, fallback })),
  ];
};

/** The number of each column from a list of one number for all, or one for each column of the second dimension. */
const spread = (list: Float32Array, { dims, columns }: RowTensor, operator: string): readonly number[] => {
  if (dims.length !== 2 || dims[0] !== "rows")
    throw new NotCompiled(`${operator} takes a tensor that is no matrix of one row each`);
  if (list.length === columns.length) return [...list];
  if (list.length === 1) return columns.map(() => pick(list, 0));
  throw new NotCompiled(`${operator} has ${list.length} numbers for ${columns.length} columns`);
};

const scaler: CompileOperator = (node, { builder, rows }) => {
  const { operator } = node;
  const attributes = readAttributes(node);
  attributes.assertOnly("offset", "scale");
  const value = rows(0);
  const offsets = attributes.floats("offset") ?? new Float32Array();
  const scales = attributes.floats("scale") ?? new Float32Array();
  if (offsets.length !== scales.length) throw new NotCompiled(`${operator} has lists of different lengths`);
  if (value.type === "float64" || value.type === "bool" || value.type === "string")
    throw new NotCompiled(`${operator} scales values of type ${value.type}`);
  const offset = spread(offsets, value, operator);
  const scale = spread(scales, value, operator);
  const float32 = "float32";
  return [
    {
      ...value,
      type: float32,
      columns: value.columns.map((column, index) => {
        const number =
          value.type === float32 ? column : builder.add({ step: "convert", type: float32, column });
        const moved = builder.add({
          step: "arithmetic",
          type: float32,
          operation: "subtract",
          left: number,
          right: builder.addConstant(pick(offset, index), float32),
        });
        return builder.add({
          step: "arithmetic",
          type: float32,
          operation: "multiply",
          left: moved,
          right: builder.addConstant(pick(scale, index), float32),
        });
      }),
    },
  ];
};

const imputer: CompileOperator = (node, { builder, rows }) => {
  const { operator } = node;
  const attributes = readAttributes(node);
  attributes.assertOnly("imputed_value_floats", "replaced_value_float");
  const value = rows(0);
  if (value.type !== "float32") throw new NotCompiled(`${operator} fills values of type ${value.type}`);
  const replaced = attributes.float("replaced_value_float");
  if (replaced === undefined) throw new NotCompiled(`${operator} does not say what it replaces`);
  const filled = spread(attributes.floats("imputed_value_floats") ?? new Float32Array(), value, operator);
  const type = value.type;
  const replace = (column: StepIndex, index: number): StepIndex => {
    const fill = builder.addConstant(pick(filled, index), type);
    // Only NaN differs from itself.
    const isMissing = Number.isNaN(replaced);
    const right = isMissing ? column : builder.addConstant(replaced, type);
    const condition = builder.add({
      step: "compare",
      type: "bool",
      comparison: "equal",
      left: column,
      right,
    });
    const [yes, no] = isMissing ? [column, fill] : [fill, column];
    return builder.add({ step: "choose", type, condition, yes, no });
  };
  return [{ ...value, columns: value.columns.map(replace) }];
};

/** Joins matrices to one of float32. */
const featureVectorizer: CompileOperator = (node, { builder, rows, values }) => {
  const { operator } = node;
  const attributes = readAttributes(node);
  attributes.assertOnly("inputdimensions");
  const sizes = attributes.ints("inputdimensions") ?? [];
  const columns = values.flatMap((_, index) => {
    const value = rows(index);
    if (findRowAxis(value) !== 0 || value.dims.length !== 2 || value.columns.length !== sizes[index])
      throw new NotCompiled(`${operator} takes a tensor of other dimensions than it lists`);
    if (value.type === "string" || value.type === "bool" || value.type === "float64")
      throw new NotCompiled(`${operator} joins values of type ${value.type}`);
    return value.type === "float32"
      ? value.columns
      : value.columns.map((column) => builder.add({ step: "convert", type: "float32", column }));
  });
  return [{ kind: "rows", type: "float32", dims: ["rows", columns.length], columns }];
};

/** Operators of ai.onnx.ml that prepare features. Source of their rules: onnxruntime, core/providers/cpu/ml. */
export const encoderOperators: Readonly<Record<string, CompileOperator>> = {
  "ai.onnx.ml OneHotEncoder": oneHotEncoder,
  "ai.onnx.ml LabelEncoder": labelEncoder,
  "ai.onnx.ml Scaler": scaler,
  "ai.onnx.ml Imputer": imputer,
  "ai.onnx.ml FeatureVectorizer": featureVectorizer,
};
