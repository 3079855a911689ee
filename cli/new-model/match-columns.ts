import type { ColumnElement } from "#model-folder/onnx/bind-inputs.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { NewModelRefused } from "./new-model-refused.ts";

/** An input of the new manifest: its name, its column of the CSV, its element type in the graph. */
export type ColumnMatch = {
  readonly name: string;
  readonly column: string;
  readonly element: ColumnElement;
  /** Whether it is a column of a matrix; a matrix of numbers gets a category's index in place of its text. */
  readonly inMatrix: boolean;
};

type ColumnMatches = {
  readonly matches: readonly ColumnMatch[];
  /** Guesses about names and order. */
  readonly guesses: readonly string[];
};

type Tensor = GraphValue & { readonly kind: "tensor" };
const readColumnElement = (value: Tensor): ColumnElement => {
  if (value.type === "other")
    throw new NewModelRefused(
      `the graph's input ${value.name} has an element type that is not supported`,
      "Export it as float, double, an integer, bool or string.",
    );
  return value.type;
};

/** The elements of one row of a tensor of fixed size; undefined if a dimension is open. */
const countElements = ({ shape }: Pick<Tensor, "shape">): number | undefined => {
  const sizes = shape?.slice(1).filter((size) => typeof size === "number");
  return sizes?.length === (shape?.length ?? 0) - 1
    ? sizes?.reduce((product, size) => product * size, 1)
    : undefined;
};

const formatNames = (names: readonly string[]): string =>
  `${names.slice(0, 20).join(", ")}${names.length > 20 ? `, … (${names.length} in total)` : ""}`;
const normalizeName = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");

const validName = /^[A-Za-z_][A-Za-z0-9_ .-]{0,119}$/;
/** `label` is the column of the truth in holdout.csv. */
const reserved = new Set(["label", "__proto__"]);

/** A valid and unused input name, from the column's name. */
const manifestName = (column: string, taken: ReadonlySet<string>): string => {
  const cleaned = column
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/\s*[^A-Za-z0-9_ .-]+\s*/g, (cut) => (/\s/.test(cut) ? " " : "_"))
    .replaceAll(/^ +|[_ ]+$/g, "")
    .slice(0, 110);
  const candidate = validName.test(column)
    ? column
    : /^[A-Za-z_]/.test(cleaned)
      ? cleaned
      : `column_${cleaned}`;
  const base = reserved.has(candidate) ? `column_${candidate}` : candidate;
  let name = base;
  for (let at = 2; taken.has(name); at++) name = `${base}_${at}`;
  return name;
};

/** The one column of a text model. Throws NewModelRefused for more columns. */
export const matchTextColumn = (columns: readonly string[]): ColumnMatch => {
  const [column, ...others] = columns;
  if (column === undefined || others.length > 0)
    throw new NewModelRefused(
      `a text model has one column of text; the CSV has ${columns.length} besides the target: ${formatNames(columns)}`,
      "Leave the others out with --ignore <column>.",
    );
  return { name: manifestName(column, new Set()), column, element: "string", inMatrix: false };
};

const matchByName = (inputs: readonly Tensor[], columns: readonly string[]): ColumnMatches => {
  const unmatched = new Set(columns);
  const guesses: string[] = [];
  const matches = inputs.map((value): ColumnMatch => {
    // One input and one column match, regardless of their names.
    const column =
      inputs.length === 1 && columns.length === 1
        ? columns[0]
        : ([...unmatched].find((name) => name === value.name) ??
          [...unmatched].find((name) => normalizeName(name) === normalizeName(value.name)));
    if (column === undefined)
      throw new NewModelRefused(
        `the CSV has no column for the graph's input ${value.name} (it has ${formatNames(columns)})`,
        "Give the columns the names of the graph's inputs.",
      );
    const elements = countElements(value) ?? 1;
    if (elements > 1)
      throw new NewModelRefused(
        `the graph's input ${value.name} is a tensor of ${value.shape?.length} dimensions with ${elements} elements per row, and the column ${column} has one value`,
        "Give the data as JSON lines with nested arrays (--data rows.jsonl), or one column for each element.",
      );
    unmatched.delete(column);
    if (column !== value.name) guesses.push(`the column ${column} is the graph's input ${value.name}`);
    return { name: value.name, column, element: readColumnElement(value), inMatrix: false };
  });
  if (unmatched.size > 0)
    throw new NewModelRefused(
      `the graph has no input for ${unmatched.size === 1 ? "the column" : "the columns"} ${formatNames([...unmatched])} (its inputs are ${formatNames(inputs.map(({ name }) => name))})`,
      "Leave them out with --ignore <column>.",
    );
  return { matches, guesses };
};

const readWidth = ({ shape }: Tensor, open: number): number => {
  if (shape?.length === 1) return 1;
  return countElements({ shape }) ?? open;
};

/** Fills the matrices in the CSV's order; a graph with both kinds gets text columns in its text matrix. */
const matchByPosition = (
  inputs: readonly Tensor[],
  columns: readonly string[],
  isText: (column: string) => boolean,
): ColumnMatches => {
  const widths = inputs.map((value) => readWidth(value, inputs.length === 1 ? columns.length : 1));
  const places = widths.reduce((sum, width) => sum + width, 0);
  if (places !== columns.length)
    throw new NewModelRefused(
      `the graph has ${places} columns (${inputs.map(({ name }, at) => `${name}: ${widths[at]}`).join(", ")}), the CSV has ${columns.length} besides the target: ${formatNames(columns)}`,
      "Leave columns out with --ignore <column>, or add the missing ones.",
    );
  const kinds = new Set(inputs.map(({ type }) => type === "string"));
  const queues = { text: columns.filter(isText), numbers: columns.filter((column) => !isText(column)) };
  const ordered =
    kinds.size < 2
      ? [...columns]
      : inputs.flatMap(({ type }, at) =>
          queues[type === "string" ? "text" : "numbers"].splice(0, widths[at]),
        );
  if (ordered.length !== columns.length)
    throw new NewModelRefused(
      `the columns of text and of numbers do not fill the graph's inputs (${inputs.map(({ name, type }, at) => `${name}: ${widths[at]} ${type}`).join(", ")})`,
      "Export the model with one input for each column.",
    );
  const taken = new Set<string>();
  const feeds = inputs.flatMap((value, at) =>
    Array.from({ length: widths[at] ?? 0 }, () => ({
      element: readColumnElement(value),
      width: widths[at] ?? 0,
    })),
  );
  const matches = ordered.map((column, at): ColumnMatch => {
    const name = manifestName(column, taken);
    taken.add(name);
    return { name, column, element: feeds[at]?.element ?? "float32", inMatrix: (feeds[at]?.width ?? 0) > 1 };
  });
  const renamed = matches.filter(({ name, column }) => name !== column);
  return {
    matches,
    guesses: [
      inputs.some(({ shape }) => (shape?.length ?? 0) > 2)
        ? "the CSV's columns fill the tensor row-major, the last dimension first, in the CSV's order without the target"
        : "the matrix has the CSV's columns in the CSV's order, without the target",
      ...(renamed.length > 0
        ? [`renamed: ${formatNames(renamed.map(({ name, column }) => `${column} → ${name}`))}`]
        : []),
    ],
  };
};

/**
 * Matches the CSV's columns with the graph's inputs: by name where the graph has one input per column, otherwise in
 * order. Throws NewModelRefused with the names that do not match.
 */
export const matchColumns = (
  graphInputs: readonly GraphValue[],
  columns: readonly string[],
  isText: (column: string) => boolean,
): ColumnMatches => {
  const inputs = graphInputs.map((value): Tensor => {
    if (value.kind === "tensor" && ((value.shape?.length ?? 2) <= 2 || countElements(value) !== undefined))
      return value;
    throw new NewModelRefused(
      `the graph's input ${value.name} is ${value.kind === "tensor" ? `a tensor of ${value.shape?.length} dimensions` : `a ${value.kind}`}`,
      value.kind === "tensor"
        ? "Give the data as JSON lines with nested arrays (--data rows.jsonl), or export fixed sizes: then a CSV's columns fill them row-major."
        : "Export each column as a tensor [N, 1], or all as one [N, columns].",
    );
  });
  const fixed = inputs.find(({ shape }) => typeof shape?.[0] === "number");
  if (fixed)
    throw new NewModelRefused(
      `the graph's input ${fixed.name} has a fixed number of rows (${fixed.shape?.[0]})`,
      "Export with a dynamic first dimension: [None, …] (torch.onnx.export: dynamic_axes).",
    );
  const wide = inputs.some((value) => (countElements(value) ?? 1) > 1);
  const isMatrix = inputs.length === 1 && columns.length > 1;
  const named = inputs.some(({ name }) => columns.includes(name));
  return (wide || isMatrix) && !named
    ? matchByPosition(inputs, columns, isText)
    : matchByName(inputs, columns);
};
