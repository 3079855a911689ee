import type { ColumnElement } from "#model-folder/onnx/bind-inputs.ts";
import type { GraphValue } from "#model-folder/onnx/graph-value.ts";
import { NewModelRefused } from "./new-model-refused.ts";

/** One input of the manifest to be: its name, the CSV's column that it comes from, and how the graph takes it. */
export type ColumnMatch = {
  readonly name: string;
  readonly column: string;
  readonly element: ColumnElement;
  /** Whether it is a column of a matrix; then text goes into numbers as its place among the category's values. */
  readonly inMatrix: boolean;
};

type ColumnMatches = {
  readonly matches: readonly ColumnMatch[];
  /** Guesses about names and order, in words. */
  readonly guesses: readonly string[];
};

type Tensor = GraphValue & { readonly kind: "tensor" };
const elements = ["float32", "float64", "int32", "int64", "bool", "string"] as const;
const readColumnElement = (value: Tensor): ColumnElement => {
  const found = elements.find((element) => element === value.type);
  if (!found)
    throw new NewModelRefused(
      `the graph takes ${value.name} as ${value.type}`,
      "Export it as float, double, int32, int64, bool or string.",
    );
  return found;
};

const formatNames = (names: readonly string[]): string =>
  `${names.slice(0, 20).join(", ")}${names.length > 20 ? `, … (${names.length} in all)` : ""}`;
const normalizeName = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");

const validName = /^[A-Za-z_][A-Za-z0-9_ .-]{0,119}$/;
/** holdout.csv has the truth in a column of the first of these names. */
const reserved = new Set(["label", "__proto__"]);

/** A name that a manifest can have, made of the CSV's; unlike those that are taken. */
const manifestName = (column: string, taken: ReadonlySet<string>): string => {
  const cleaned = column
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/\s*[^A-Za-z0-9_ .-]+\s*/g, (cut) => (/\s/.test(cut) ? " " : "_"))
    .replaceAll(/^ +|[_ ]+$/g, "")
    .slice(0, 110);
  const named = validName.test(column) ? column : /^[A-Za-z_]/.test(cleaned) ? cleaned : `column_${cleaned}`;
  const base = reserved.has(named) ? `column_${named}` : named;
  let name = base;
  for (let at = 2; taken.has(name); at++) name = `${base}_${at}`;
  return name;
};

/** The one column of a text model. Throws NewModelRefused where there are more. */
export const matchTextColumn = (columns: readonly string[]): ColumnMatch => {
  const [column, ...others] = columns;
  if (column === undefined || others.length > 0)
    throw new NewModelRefused(
      `a text model takes one column of text, the CSV has ${columns.length} beside the target: ${formatNames(columns)}`,
      "Leave the others out with --ignore <column>.",
    );
  return { name: manifestName(column, new Set()), column, element: "string", inMatrix: false };
};

const matchByName = (inputs: readonly Tensor[], columns: readonly string[]): ColumnMatches => {
  const left = new Set(columns);
  const guesses: string[] = [];
  const matches = inputs.map((value): ColumnMatch => {
    // One input and one column belong together, whatever their names.
    const column =
      inputs.length === 1 && columns.length === 1
        ? columns[0]
        : ([...left].find((each) => each === value.name) ??
          [...left].find((each) => normalizeName(each) === normalizeName(value.name)));
    if (column === undefined)
      throw new NewModelRefused(
        `the graph's input ${value.name} is no column of the CSV (it has ${formatNames(columns)})`,
        "Name the columns as the graph's inputs.",
      );
    left.delete(column);
    if (column !== value.name) guesses.push(`the column ${column} is the graph's input ${value.name}`);
    return { name: value.name, column, element: readColumnElement(value), inMatrix: false };
  });
  if (left.size > 0)
    throw new NewModelRefused(
      `the graph has no input for ${left.size === 1 ? "the column" : "the columns"} ${formatNames([...left])} (it takes ${formatNames(inputs.map(({ name }) => name))})`,
      "Leave such columns out with --ignore <column>.",
    );
  return { matches, guesses };
};

const readWidth = ({ shape }: Tensor, open: number): number => {
  if (shape?.length === 1) return 1;
  return typeof shape?.[1] === "number" ? shape[1] : open;
};

/** The columns of each matrix, in the CSV's order; text goes to a matrix of text where the graph has both kinds. */
const matchByPosition = (
  inputs: readonly Tensor[],
  columns: readonly string[],
  isText: (column: string) => boolean,
): ColumnMatches => {
  const widths = inputs.map((value) => readWidth(value, inputs.length === 1 ? columns.length : 1));
  const places = widths.reduce((sum, width) => sum + width, 0);
  if (places !== columns.length)
    throw new NewModelRefused(
      `the graph takes ${places} columns (${inputs.map(({ name }, at) => `${name}: ${widths[at]}`).join(", ")}), the CSV has ${columns.length} beside the target: ${formatNames(columns)}`,
      "Leave out those that the model does not take with --ignore <column>, or add those that are missing.",
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
      "the matrix has its columns in the order of the CSV's, without the target",
      ...(renamed.length > 0
        ? [`renamed: ${formatNames(renamed.map(({ name, column }) => `${column} → ${name}`))}`]
        : []),
    ],
  };
};

/**
 * Which of the CSV's columns goes where in the graph: by name where it has one input for each column, else in order.
 * Throws NewModelRefused with the names that fit nothing.
 */
export const matchColumns = (
  graphInputs: readonly GraphValue[],
  columns: readonly string[],
  isText: (column: string) => boolean,
): ColumnMatches => {
  const inputs = graphInputs.map((value): Tensor => {
    if (value.kind === "tensor" && (value.shape?.length ?? 2) <= 2) return value;
    throw new NewModelRefused(
      `the graph's input ${value.name} is ${value.kind === "tensor" ? `a tensor of ${value.shape?.length} dimensions` : `a ${value.kind}`}`,
      "Export each column as a tensor [N, 1], or all as one [N, columns].",
    );
  });
  const fixed = inputs.find(({ shape }) => typeof shape?.[0] === "number");
  if (fixed)
    throw new NewModelRefused(
      `the graph takes exactly ${fixed.shape?.[0]} rows of ${fixed.name}`,
      "Export with an open first dimension: [None, …] (torch.onnx.export: dynamic_axes).",
    );
  const wide = inputs.some(({ shape }) => typeof shape?.[1] === "number" && shape[1] > 1);
  const one = inputs.length === 1 && columns.length > 1;
  const named = inputs.some(({ name }) => columns.includes(name));
  return (wide || one) && !named ? matchByPosition(inputs, columns, isText) : matchByName(inputs, columns);
};
