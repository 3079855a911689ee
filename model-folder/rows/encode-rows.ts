import type { Input } from "#model-folder/manifest/manifest.ts";
import type { Column, ColumnElement, Feed } from "#model-folder/onnx/bind-inputs.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { RowProblem } from "./row-problem.ts";

/** One input of the graph for all rows, in the element type that it takes; a matrix lies row by row. */
type EncodedFeed = {
  readonly name: string;
  readonly type: ColumnElement;
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array | string[];
  readonly dims: readonly number[];
};

type EncodeRowsResult =
  | { readonly status: "encoded"; readonly feeds: readonly EncodedFeed[]; readonly rows: number }
  | { readonly status: "invalid"; readonly problems: readonly RowProblem[] };

export const maxRows = 10_000;
export const maxProblems = 100;
const maxCategoryLength = 256;

/** Writes one value at one row, or says what is wrong with it. */
type WriteValue = (value: unknown, row: number) => string | undefined;
type PlainRow = { readonly [column: string]: unknown };
type ColumnEncoder = {
  readonly column: Column;
  /** Reads the row's own value and never one that every object inherits. */
  readonly read: (row: PlainRow) => unknown;
  readonly writer: (data: EncodedFeed["data"]) => WriteValue;
};

const bounds: Readonly<Partial<Record<ColumnElement, readonly [number, number]>>> = {
  // A number beyond these would reach the model as Infinity, or wrapped around.
  float32: [-3.4028234663852886e38, 3.4028234663852886e38],
  int32: [-2_147_483_648, 2_147_483_647],
};

const allocate = (element: ColumnElement, length: number): EncodedFeed["data"] => {
  switch (element) {
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "int32":
      return new Int32Array(length);
    case "int64":
      return new BigInt64Array(length);
    case "bool":
      return new Uint8Array(length);
    case "string":
      return new Array<string>(length).fill("");
    default:
      return element satisfies never;
  }
};

/** How a checked number, or none, gets into its place in the data. */
const createNumberSetter = (
  { feed: { width }, offset }: Column,
  data: EncodedFeed["data"],
): ((value: number | undefined, row: number) => void) => {
  if (data instanceof BigInt64Array)
    return (value, row) => {
      data[row * width + offset] = BigInt(value ?? 0);
    };
  if (Array.isArray(data))
    return (value, row) => {
      data[row * width + offset] = value === undefined ? "" : String(value);
    };
  const missing = data instanceof Float32Array || data instanceof Float64Array ? Number.NaN : 0;
  return (value, row) => {
    data[row * width + offset] = value === undefined ? missing : value;
  };
};

const createNumberWriter =
  (column: Column, input: Input & { type: "integer" | "number" }) =>
  (data: EncodedFeed["data"]): WriteValue => {
    const put = createNumberSetter(column, data);
    const [least, most] = bounds[column.feed.element] ?? [-Number.MAX_VALUE, Number.MAX_VALUE];
    const min = Math.max(input.min, least);
    const max = Math.min(input.max, most);
    const integral = input.type === "integer";
    return (value, row) => {
      if (value === undefined || value === null) {
        if (input.required) return "is required";
        put(undefined, row);
        return undefined;
      }
      if (typeof value !== "number") return `must be ${integral ? "an integer" : "a number"}`;
      // 1e400 is valid JSON and reads as Infinity.
      if (!Number.isFinite(value)) return "must be a finite number";
      if (integral && !Number.isInteger(value)) return "must be an integer";
      if (value < min || value > max) return `must be between ${min} and ${max}`;
      put(value, row);
      return undefined;
    };
  };

const createBooleanWriter =
  (column: Column, input: Input & { type: "boolean" }) =>
  (data: EncodedFeed["data"]): WriteValue => {
    const put = createNumberSetter(column, data);
    return (value, row) => {
      if (value === undefined || value === null) {
        if (input.required) return "is required";
        put(undefined, row);
        return undefined;
      }
      if (typeof value !== "boolean") return "must be true or false";
      put(value ? 1 : 0, row);
      return undefined;
    };
  };

const findTextProblem = (value: string, maxLength: number): string | undefined => {
  if (value.length > maxLength) return `must have at most ${maxLength} characters`;
  if (!value.isWellFormed()) return "holds half of a surrogate pair, which is no text";
  // onnxruntime takes text as C strings: what follows a NUL would be cut off unseen.
  if (value.includes("\0")) return "holds a NUL character";
  return undefined;
};

const formatChoices = ({ values }: Input & { type: "category" }): string =>
  `${values
    .slice(0, 10)
    .map((value) => JSON.stringify(value))
    .join(", ")}${values.length > 10 ? `, … (${values.length} in all)` : ""}`;

const createTextWriter = (column: Column, input: Input & { type: "category" | "string" }) => {
  const known = input.type === "category" ? new Set(input.values) : undefined;
  const choices = input.type === "category" ? formatChoices(input) : "";
  const maxLength = input.type === "category" ? maxCategoryLength : input.maxLength;
  const { feed, offset } = column;
  return (data: EncodedFeed["data"]): WriteValue => {
    if (!Array.isArray(data)) return throwUnboundColumn();
    return (value, row) => {
      if (value === undefined || value === null) return input.required ? "is required" : undefined;
      if (typeof value !== "string") return "must be a string";
      if (!known?.has(value)) {
        if (input.type === "category" && input.unknown === "refuse") return `must be one of ${choices}`;
        const wrong = findTextProblem(value, maxLength);
        if (wrong) return wrong;
      }
      data[row * feed.width + offset] = value;
      return undefined;
    };
  };
};

/** A category in a matrix of numbers: its place in the manifest's values. */
const createCodeWriter = (column: Column, input: Input & { type: "category" }) => {
  const codes = new Map(input.values.map((value, code) => [value, code]));
  const choices = formatChoices(input);
  return (data: EncodedFeed["data"]): WriteValue => {
    const put = createNumberSetter(column, data);
    return (value, row) => {
      if (value === undefined || value === null) {
        if (input.required) return "is required";
        put(undefined, row);
        return undefined;
      }
      if (typeof value !== "string") return "must be a string";
      const code = codes.get(value);
      if (code === undefined) return `must be one of ${choices}`;
      put(code, row);
      return undefined;
    };
  };
};

const createColumnWriter = (column: Column): ColumnEncoder["writer"] => {
  const { input, feed } = column;
  switch (input.type) {
    case "integer":
    case "number":
      return createNumberWriter(column, input);
    case "boolean":
      return createBooleanWriter(column, input);
    case "category":
      return feed.element === "string" ? createTextWriter(column, input) : createCodeWriter(column, input);
    case "string":
      return createTextWriter(column, input);
    default:
      return input satisfies never;
  }
};

const createColumnReader = (name: string): ((row: PlainRow) => unknown) =>
  name in Object.prototype
    ? (row) => getOwnProperty(row, name)
    : // Plain property access on rows of one shape is several times faster than the two calls above.
      (row) => row[name];

const isPlainRow = (row: unknown): row is PlainRow =>
  typeof row === "object" && row !== null && !Array.isArray(row);
/** Names come from the caller: a megabyte of them does not go into the answer. */
const shortenName = (name: string): string =>
  name.length > 128 ? `${name.slice(0, 128).toWellFormed()}…` : name.toWellFormed();

/**
 * Validates rows against the model's inputs and encodes them for the graph, in one pass. Nothing in `rows` is
 * trusted: whatever JSON holds gives tensors or problems, never an error. At most 100 problems are collected.
 * @param columns the manifest's inputs bound to the graph's (bindInputs)
 */
export const encodeRows = (columns: readonly Column[]) => {
  const compiled: readonly ColumnEncoder[] = columns.map((column) => ({
    column,
    read: createColumnReader(column.input.name),
    writer: createColumnWriter(column),
  }));
  const names = new Set(columns.map(({ input }) => input.name));
  const feeds = [...new Set(columns.map(({ feed }) => feed))];
  const invalid = (...problems: RowProblem[]): EncodeRowsResult => ({ status: "invalid", problems });

  return (rows: unknown): EncodeRowsResult => {
    if (!Array.isArray(rows)) return invalid({ detail: "must be an array of rows" });
    const count = rows.length;
    if (count < 1 || count > maxRows)
      return invalid({ detail: `must hold 1 to ${maxRows} rows; it holds ${count}` });
    const problems: RowProblem[] = [];
    const data = new Map(feeds.map((feed) => [feed, allocate(feed.element, count * feed.width)]));
    const writes = compiled.map(({ column, writer }) =>
      writer(data.get(column.feed) ?? throwUnboundColumn()),
    );

    for (let index = 0; index < count && problems.length < maxProblems; index++) {
      const row: unknown = rows[index];
      if (!isPlainRow(row)) {
        problems.push({ row: index, detail: "must be an object of input names and values" });
        continue;
      }
      let present = 0;
      for (let at = 0; at < compiled.length; at++) {
        const { read, column } = compiled[at] ?? throwUnboundColumn();
        const value = read(row);
        if (value !== undefined) present++;
        const wrong = (writes[at] ?? throwUnboundColumn())(value, index);
        if (wrong !== undefined) problems.push({ row: index, input: column.input.name, detail: wrong });
      }
      const keys = Object.keys(row);
      if (keys.length > present)
        for (const key of keys) {
          if (problems.length >= maxProblems) break;
          if (!names.has(key))
            problems.push({ row: index, input: shortenName(key), detail: "is no input of this model" });
        }
    }
    if (problems.length > 0) return invalid(...problems.slice(0, maxProblems));
    const dims = ({ rank, width }: Feed) => (rank === 1 ? [count] : [count, width]);
    return {
      status: "encoded",
      rows: count,
      feeds: feeds.map((feed) => ({
        name: feed.name,
        type: feed.element,
        data: data.get(feed) ?? throwUnboundColumn(),
        dims: dims(feed),
      })),
    };
  };
};

const throwUnboundColumn = (): never => {
  throw new Error("columns are written to the data of their own feed");
};
