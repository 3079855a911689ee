import type { Column, ColumnElement } from "./bind-inputs.ts";
import type { Input } from "./manifest.ts";

/** One column's values for all rows, in the element type that the graph takes. */
export type EncodedColumn = {
  readonly name: string;
  readonly type: ColumnElement;
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array | string[];
  readonly dims: readonly number[];
};

/** A value that does not fit: an RFC 6901 pointer into the request, and what is wrong in words. */
export type RowProblem = { readonly pointer: string; readonly detail: string };

export type Encoded =
  | { readonly status: "encoded"; readonly columns: readonly EncodedColumn[]; readonly rows: number }
  | { readonly status: "invalid"; readonly problems: readonly RowProblem[] };

export const maxRows = 10_000;
export const maxProblems = 100;
const maxCategoryLength = 256;

/** Writes one value at one row, or says what is wrong with it. */
type Write = (value: unknown, row: number) => string | undefined;
type Target = { readonly data: EncodedColumn["data"]; readonly write: Write };
type PlainRow = { readonly [column: string]: unknown };
type Compiled = {
  readonly column: Column;
  /** Reads the row's own value and never one that every object inherits. */
  readonly read: (row: PlainRow) => unknown;
  readonly target: (rows: number) => Target;
};

const bounds: Readonly<Partial<Record<ColumnElement, readonly [number, number]>>> = {
  // A number beyond these would reach the model as Infinity, or wrapped around.
  float32: [-3.4028234663852886e38, 3.4028234663852886e38],
  int32: [-2_147_483_648, 2_147_483_647],
};

const numbers = (element: ColumnElement, rows: number) => {
  switch (element) {
    case "float32":
      return { data: new Float32Array(rows), missing: Number.NaN };
    case "float64":
      return { data: new Float64Array(rows), missing: Number.NaN };
    case "int32":
      return { data: new Int32Array(rows), missing: 0 };
    case "bool":
      return { data: new Uint8Array(rows), missing: 0 };
    case "int64":
    case "string":
      return undefined;
    default:
      return element satisfies never;
  }
};

/** A typed array for a column of numbers, and how a checked number gets into it. */
const store = (element: ColumnElement, rows: number) => {
  const plain = numbers(element, rows);
  if (plain) {
    const { data, missing } = plain;
    return {
      data,
      put: (value: number | undefined, row: number) => {
        data[row] = value === undefined ? missing : value;
      },
    };
  }
  const data = new BigInt64Array(rows);
  return {
    data,
    put: (value: number | undefined, row: number) => {
      data[row] = BigInt(value ?? 0);
    },
  };
};

const numberTarget =
  (input: Input & { type: "integer" | "number" }, element: ColumnElement) =>
  (rows: number): Target => {
    const { data, put } = store(element, rows);
    const [least, most] = bounds[element] ?? [-Number.MAX_VALUE, Number.MAX_VALUE];
    const min = Math.max(input.min, least);
    const max = Math.min(input.max, most);
    const integral = input.type === "integer";
    return {
      data,
      write: (value, row) => {
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
      },
    };
  };

const booleanTarget =
  (input: Input & { type: "boolean" }, element: ColumnElement) =>
  (rows: number): Target => {
    const { data, put } = store(element, rows);
    return {
      data,
      write: (value, row) => {
        if (value === undefined || value === null) {
          if (input.required) return "is required";
          put(undefined, row);
          return undefined;
        }
        if (typeof value !== "boolean") return "must be true or false";
        put(value ? 1 : 0, row);
        return undefined;
      },
    };
  };

const flaw = (value: string, maxLength: number): string | undefined => {
  if (value.length > maxLength) return `must have at most ${maxLength} characters`;
  if (!value.isWellFormed()) return "holds half of a surrogate pair, which is no text";
  // onnxruntime takes text as C strings: what follows a NUL would be cut off unseen.
  if (value.includes("\0")) return "holds a NUL character";
  return undefined;
};

const textTarget = (input: Input & { type: "category" | "string" }) => {
  const known = input.type === "category" ? new Set(input.values) : undefined;
  const listed =
    input.type === "category"
      ? `${input.values
          .slice(0, 10)
          .map((value) => JSON.stringify(value))
          .join(", ")}${input.values.length > 10 ? `, … (${input.values.length} in all)` : ""}`
      : "";
  const maxLength = input.type === "category" ? maxCategoryLength : input.maxLength;
  return (rows: number): Target => {
    const data = new Array<string>(rows).fill("");
    return {
      data,
      write: (value, row) => {
        if (value === undefined || value === null) return input.required ? "is required" : undefined;
        if (typeof value !== "string") return "must be a string";
        if (known?.has(value)) {
          data[row] = value;
          return undefined;
        }
        if (input.type === "category" && input.unknown === "refuse") return `must be one of ${listed}`;
        const wrong = flaw(value, maxLength);
        if (wrong) return wrong;
        data[row] = value;
        return undefined;
      },
    };
  };
};

const target = ({ input, element }: Column): ((rows: number) => Target) => {
  switch (input.type) {
    case "integer":
    case "number":
      return numberTarget(input, element);
    case "boolean":
      return booleanTarget(input, element);
    case "category":
    case "string":
      return textTarget(input);
    default:
      return input satisfies never;
  }
};

const read = (name: string): ((row: PlainRow) => unknown) =>
  name in Object.prototype
    ? (row) => (Object.hasOwn(row, name) ? Reflect.get(row, name) : undefined)
    : // Plain property access on rows of one shape is several times faster than the two calls above.
      (row) => row[name];

const isPlainRow = (row: unknown): row is PlainRow =>
  typeof row === "object" && row !== null && !Array.isArray(row);
const token = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");
/** Names come from the caller: a megabyte of them does not go into the answer. */
const brief = (name: string): string =>
  name.length > 128 ? `${name.slice(0, 128).toWellFormed()}…` : name.toWellFormed();

/**
 * Validates rows against the model's inputs and encodes them column by column, in one pass. Nothing in `rows` is
 * trusted: whatever JSON holds gives columns or problems, never an error. At most 100 problems are collected.
 * @param columns the manifest's inputs bound to the graph's (bindInputs)
 */
export const encodeRows = (columns: readonly Column[]) => {
  const compiled: readonly Compiled[] = columns.map((column) => ({
    column,
    read: read(column.input.name),
    target: target(column),
  }));
  const names = new Set(columns.map(({ input }) => input.name));

  return (rows: unknown): Encoded => {
    if (!Array.isArray(rows))
      return { status: "invalid", problems: [{ pointer: "/rows", detail: "must be an array of rows" }] };
    const count = rows.length;
    if (count < 1 || count > maxRows)
      return {
        status: "invalid",
        problems: [{ pointer: "/rows", detail: `must hold 1 to ${maxRows} rows; it holds ${count}` }],
      };
    const problems: RowProblem[] = [];
    const say = (row: number, name: string, detail: string) =>
      problems.push({ pointer: `/rows/${row}/${token(brief(name))}`, detail });
    const targets = compiled.map(({ target }) => target(count));

    for (let index = 0; index < count && problems.length < maxProblems; index++) {
      const row: unknown = rows[index];
      if (!isPlainRow(row)) {
        problems.push({ pointer: `/rows/${index}`, detail: "must be an object of input names and values" });
        continue;
      }
      let present = 0;
      for (let at = 0; at < compiled.length; at++) {
        const { read, column } = compiled[at] ?? raise();
        const value = read(row);
        if (value !== undefined) present++;
        const wrong = (targets[at] ?? raise()).write(value, index);
        if (wrong !== undefined) say(index, column.input.name, wrong);
      }
      const keys = Object.keys(row);
      if (keys.length > present)
        for (const key of keys) {
          if (problems.length >= maxProblems) break;
          if (!names.has(key)) say(index, key, "is no input of this model");
        }
    }
    if (problems.length > 0) return { status: "invalid", problems: problems.slice(0, maxProblems) };
    return {
      status: "encoded",
      rows: count,
      columns: compiled.map(({ column }, at) => ({
        name: column.input.name,
        type: column.element,
        data: (targets[at] ?? raise()).data,
        dims: column.rank === 1 ? [count] : [count, 1],
      })),
    };
  };
};

const raise = (): never => {
  throw new Error("columns and targets have the same length");
};
