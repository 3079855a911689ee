import type { Input } from "#model-folder/manifest/manifest.ts";
import type { Column, ColumnElement, Feed } from "#model-folder/onnx/bind-inputs.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { RowProblem } from "./row-problem.ts";

/** The data of one graph input for all rows, in the graph's element type; a matrix is row-major. */
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

/** Writes the value of one row, or returns the problem. */
type WriteValue = (value: unknown, row: number) => string | undefined;
type PlainRow = { readonly [column: string]: unknown };
type ColumnEncoder = {
  readonly column: Column;
  /** Reads the row's own property, never an inherited one. */
  readonly read: (row: PlainRow) => unknown;
  readonly writer: (data: EncodedFeed["data"]) => WriteValue;
};

const bounds: Readonly<Partial<Record<ColumnElement, readonly [number, number]>>> = {
  // Numbers beyond these would become Infinity or wrap around.
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

/** Returns a function that writes a checked number, or a missing one, into the data. */
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
    const set = createNumberSetter(column, data);
    const [lowest, highest] = bounds[column.feed.element] ?? [-Number.MAX_VALUE, Number.MAX_VALUE];
    const min = Math.max(input.min, lowest);
    const max = Math.min(input.max, highest);
    const isInteger = input.type === "integer";
    return (value, row) => {
      if (value === undefined || value === null) {
        if (input.required) return "is required";
        set(undefined, row);
        return undefined;
      }
      if (typeof value !== "number") return `must be ${isInteger ? "an integer" : "a number"}`;
      // JSON.parse reads 1e400 as Infinity.
      if (!Number.isFinite(value)) return "must be a finite number";
      if (isInteger && !Number.isInteger(value)) return "must be an integer";
      if (value < min || value > max) return `must be between ${min} and ${max}`;
      set(value, row);
      return undefined;
    };
  };

const createBooleanWriter =
  (column: Column, input: Input & { type: "boolean" }) =>
  (data: EncodedFeed["data"]): WriteValue => {
    const set = createNumberSetter(column, data);
    return (value, row) => {
      if (value === undefined || value === null) {
        if (input.required) return "is required";
        set(undefined, row);
        return undefined;
      }
      if (typeof value !== "boolean") return "must be true or false";
      set(value ? 1 : 0, row);
      return undefined;
    };
  };

const findTextProblem = (value: string, maxLength: number): string | undefined => {
  if (value.length > maxLength) return `must have at most ${maxLength} characters`;
  if (!value.isWellFormed()) return "contains half of a surrogate pair";
  // onnxruntime uses C strings: it would silently drop everything after a NUL.
  if (value.includes("\0")) return "contains a NUL character";
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
        const problem = findTextProblem(value, maxLength);
        if (problem) return problem;
      }
      data[row * feed.width + offset] = value;
      return undefined;
    };
  };
};

const int64Limit = 2n ** 63n;

/** Encodes an identifier: a text of digits, or a number that JSON holds without loss. */
const createInt64Writer =
  ({ feed: { width }, offset }: Column, { required }: Pick<Input, "required">) =>
  (data: EncodedFeed["data"]): WriteValue => {
    if (!(data instanceof BigInt64Array)) return throwUnboundColumn();
    return (value, row) => {
      // int64 has no missing value: the binding refuses an optional one.
      if (value === undefined || value === null) return required ? "is required" : undefined;
      if (typeof value === "number" && !Number.isSafeInteger(value))
        return Number.isInteger(value)
          ? "is beyond 2^53, where a JSON number loses digits: send the digits as a string"
          : "must be a string of digits";
      const text = typeof value === "number" ? String(value) : value;
      if (typeof text !== "string" || !/^-?\d{1,19}$/.test(text)) return "must be a string of 1 to 19 digits";
      const integer = BigInt(text);
      if (integer < -int64Limit || integer >= int64Limit)
        return `must be between ${-int64Limit} and ${int64Limit - 1n}`;
      data[row * width + offset] = integer;
      return undefined;
    };
  };

/** Encodes a category in a matrix of numbers as its index in the manifest's values. */
const createCodeWriter = (column: Column, input: Input & { type: "category" }) => {
  const codes = new Map(input.values.map((value, code) => [value, code]));
  const choices = formatChoices(input);
  return (data: EncodedFeed["data"]): WriteValue => {
    const set = createNumberSetter(column, data);
    return (value, row) => {
      if (value === undefined || value === null) {
        if (input.required) return "is required";
        set(undefined, row);
        return undefined;
      }
      if (typeof value !== "string") return "must be a string";
      const code = codes.get(value);
      if (code === undefined) return `must be one of ${choices}`;
      set(code, row);
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
      return input.format === "int64" ? createInt64Writer(column, input) : createTextWriter(column, input);
    default:
      return input satisfies never;
  }
};

const createColumnReader = (name: string): ((row: PlainRow) => unknown) =>
  name in Object.prototype
    ? (row) => getOwnProperty(row, name)
    : // For all other names, plain property access is safe and several times faster.
      (row) => row[name];

const isPlainRow = (row: unknown): row is PlainRow =>
  typeof row === "object" && row !== null && !Array.isArray(row);
/** Names come from the caller: the response must not contain a megabyte of them. */
const shortenName = (name: string): string =>
  name.length > 256 ? `${name.slice(0, 256).toWellFormed()}…` : name.toWellFormed();

/**
 * Validates rows against the model's inputs and encodes them for the graph in one pass. `rows` is untrusted: any JSON value
 * gives tensors or at most 100 problems, never an error.
 * @param columns the manifest's inputs, bound to the graph's inputs (bindInputs)
 */
export const encodeRows = (columns: readonly Column[]) => {
  const encoders: readonly ColumnEncoder[] = columns.map((column) => ({
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
      return invalid({ detail: `must have 1 to ${maxRows} rows; it has ${count}` });
    const problems: RowProblem[] = [];
    const data = new Map(feeds.map((feed) => [feed, allocate(feed.element, count * feed.width)]));
    const writes = encoders.map(({ column, writer }) =>
      writer(data.get(column.feed) ?? throwUnboundColumn()),
    );

    for (let index = 0; index < count && problems.length < maxProblems; index++) {
      const row: unknown = rows[index];
      if (!isPlainRow(row)) {
        problems.push({ row: index, detail: "must be an object of input names and values" });
        continue;
      }
      let present = 0;
      for (let position = 0; position < encoders.length; position++) {
        const { read, column } = encoders[position] ?? throwUnboundColumn();
        const value = read(row);
        if (value !== undefined) present++;
        const detail = (writes[position] ?? throwUnboundColumn())(value, index);
        if (detail !== undefined) problems.push({ row: index, input: column.input.name, detail });
      }
      const keys = Object.keys(row);
      if (keys.length > present)
        for (const key of keys) {
          if (problems.length >= maxProblems) break;
          if (!names.has(key))
            problems.push({ row: index, input: shortenName(key), detail: "unknown field" });
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
  throw new Error("a column has no data in its feed");
};
