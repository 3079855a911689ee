import { InputName } from "#model-folder/manifest/manifest.ts";
import type { ColumnElement } from "#model-folder/onnx/bind-inputs.ts";
import { findBatchSize } from "#model-folder/onnx/find-batch-size.ts";
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
  /** Guesses about names. */
  readonly guesses: readonly string[];
  /** Whether the columns fill matrices in the CSV's order, because the graph does not name them. */
  readonly byPosition: boolean;
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
const normalizeName = (name: string): string =>
  name
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, "_");

/** A column's name is its input's name, without what a manifest refuses: control characters, and more than 256 characters. */
const manifestName = (column: string, taken: ReadonlySet<string>): string => {
  const base = InputName.safeParse(column).success
    ? column
    : column
        .toWellFormed()
        .replaceAll(/\s*\p{Cc}+\s*/gu, " ")
        .trim()
        .slice(0, 240)
        .toWellFormed() || "column";
  let name = base;
  for (let at = 2; taken.has(name.normalize("NFC")); at++) name = `${base}_${at}`;
  return name;
};

/** The inputs of a text model: its text, or two of a pair, and the columns of the graph's other inputs. */
type TextMatches = ColumnMatches & { readonly texts: readonly ColumnMatch[] };

/** Inputs of transformers that are no column of a table. */
const transformerInput =
  /^(position_ids|inputs_embeds|head_mask|cache_position|use_cache_branch|global_attention_mask|bbox|labels|decoder_\w+|encoder_\w+|cross_attn_head_mask|past_key_values.*|past_\w+)$/;

/** The columns that fill the graph's other inputs: by name, or all columns of numbers where the graph has a matrix. */
const listOtherColumns = (
  others: readonly GraphValue[],
  columns: readonly string[],
  isText: (column: string) => boolean,
): readonly string[] => {
  if (others.length === 0) return [];
  const named = columns.filter((column) =>
    others.some(({ name }) => name === column || normalizeName(name) === normalizeName(column)),
  );
  return named.length > 0 ? named : columns.filter((column) => !isText(column));
};

/**
 * Matches the columns of a text model: those of the graph's other inputs, and one text, or two in the table's order, which
 * the tokenizer takes as a pair. Throws NewModelRefused for other columns.
 * @param others the graph's inputs that no tokenizer fills
 */
export const matchTextColumns = (
  others: readonly GraphValue[],
  columns: readonly string[],
  isText: (column: string) => boolean,
): TextMatches => {
  const otherColumns = listOtherColumns(others, columns, isText);
  const unfilled = others.filter(
    ({ name }) =>
      transformerInput.test(name) &&
      !otherColumns.some((column) => normalizeName(column) === normalizeName(name)),
  );
  if (unfilled.length > 0)
    throw new NewModelRefused(
      `neither a tokenizer nor a column of the CSV fills the graph's ${unfilled.length === 1 ? "input" : "inputs"} ${formatNames(unfilled.map(({ name }) => name))}`,
      "Export the model with the inputs input_ids, attention_mask and, if it has it, token_type_ids alone: transformers makes the others itself.",
    );
  const { matches, guesses, byPosition } =
    others.length === 0
      ? { matches: [], guesses: [], byPosition: false }
      : matchColumns(others, otherColumns, isText);
  const left = columns.filter((column) => !otherColumns.includes(column));
  const [first, second, ...more] = left;
  if (first === undefined || more.length > 0 || (second !== undefined && !left.every(isText)))
    throw new NewModelRefused(
      `a text model has one column of text, or two that are a pair; the CSV has ${left.length} besides the target${others.length > 0 ? " and the graph's other inputs" : ""}: ${formatNames(left)}`,
      "Leave the others out with --ignore <column>.",
    );
  const taken = new Set(matches.map(({ name }) => name.normalize("NFC")));
  const texts = left.map((column): ColumnMatch => {
    const name = manifestName(column, taken);
    taken.add(name.normalize("NFC"));
    return { name, column, element: "string", inMatrix: false };
  });
  const renamed = texts.filter(({ name, column }) => name !== column);
  return {
    texts,
    matches,
    guesses: [
      ...guesses,
      ...(renamed.length > 0
        ? [`renamed: ${formatNames(renamed.map(({ name, column }) => `${column} → ${name}`))}`]
        : []),
    ],
    byPosition,
  };
};

/** The only name that fits: two would be a guess. */
const findOnly = (names: ReadonlySet<string>, fits: (name: string) => boolean): string | undefined => {
  const [name, ...others] = [...names].filter(fits);
  return others.length === 0 ? name : undefined;
};

const matchByName = (inputs: readonly Tensor[], columns: readonly string[]): ColumnMatches => {
  const unmatched = new Set(columns);
  const exact = new Set(inputs.map(({ name }) => name).filter((name) => unmatched.has(name)));
  for (const name of exact) unmatched.delete(name);
  const guesses: string[] = [];
  const matches = inputs.map((value): ColumnMatch => {
    // One input and one column match, regardless of their names.
    const column =
      inputs.length === 1 && columns.length === 1
        ? columns[0]
        : exact.has(value.name)
          ? value.name
          : findOnly(unmatched, (name) => normalizeName(name) === normalizeName(value.name));
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
  return { matches, guesses, byPosition: false };
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
    taken.add(name.normalize("NFC"));
    return { name, column, element: feeds[at]?.element ?? "float32", inMatrix: (feeds[at]?.width ?? 0) > 1 };
  });
  const renamed = matches.filter(({ name, column }) => name !== column);
  return {
    matches,
    guesses: [
      ...(inputs.some(({ shape }) => (shape?.length ?? 0) > 2)
        ? [
            "the CSV's columns fill the tensor row-major, the last dimension first, in the CSV's order without the target",
          ]
        : []),
      ...(renamed.length > 0
        ? [`renamed: ${formatNames(renamed.map(({ name, column }) => `${column} → ${name}`))}`]
        : []),
    ],
    byPosition: true,
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
  const batch = findBatchSize(inputs);
  if (batch.status === "mismatched") throw new NewModelRefused(batch.message, batch.remedy);
  const wide = inputs.some((value) => (countElements(value) ?? 1) > 1);
  const isMatrix = inputs.length === 1 && columns.length > 1;
  const named = inputs.some(({ name }) => columns.includes(name));
  // A matrix may have the name of one of its columns: `input`, `X`.
  const isOnlyMatrix =
    inputs.length === 1 &&
    columns.length > 1 &&
    inputs.every((value) => readWidth(value, columns.length) === columns.length);
  return (wide || isMatrix) && (!named || isOnlyMatrix)
    ? matchByPosition(inputs, columns, isText)
    : matchByName(inputs, columns);
};
