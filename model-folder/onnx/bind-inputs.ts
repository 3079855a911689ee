import type { Input, Manifest } from "#model-folder/manifest/manifest.ts";
import type { GraphValue } from "./graph-value.ts";

/** Element types that a column can be written in. */
export type ColumnElement = "float32" | "float64" | "int32" | "int64" | "bool" | "string";

/** One input of the graph: a tensor [rows] or [rows, width]. */
export type Feed = {
  readonly name: string;
  readonly element: ColumnElement;
  readonly rank: 1 | 2;
  readonly width: number;
};
/** One input of the manifest, and the column of the graph's input that it is written to. */
export type Column = { readonly input: Input; readonly feed: Feed; readonly offset: number };

/** A way in which a graph does not fit its manifest. `input` names the manifest's input it is about. */
export type Mismatch = { readonly input?: string; readonly message: string; readonly remedy: string };

type BindInputsResult =
  | { readonly status: "bound"; readonly columns: readonly Column[] }
  | { readonly status: "mismatched"; readonly mismatches: readonly Mismatch[] };

type TensorValue = GraphValue & { readonly kind: "tensor" };

const columnElements: Readonly<Record<Input["type"], readonly string[]>> = {
  integer: ["float32", "float64", "int32", "int64"],
  number: ["float32", "float64"],
  boolean: ["bool", "float32", "float64", "int32", "int64"],
  category: ["string"],
  string: ["string"],
};
/** In a matrix all columns are of one type: a category goes into numbers as its place in `values`, an integer into text. */
const matrixElements: Readonly<Record<Input["type"], readonly string[]>> = {
  ...columnElements,
  integer: [...columnElements.integer, "string"],
  category: ["string", "float32", "float64", "int32", "int64"],
};
const isColumnElement = (type: string): type is ColumnElement =>
  ["float32", "float64", "int32", "int64", "bool", "string"].includes(type);

const formatShape = ({ shape }: TensorValue): string =>
  `[${shape?.map((size) => size ?? "?").join(", ") ?? "…"}]`;

/** What is wrong with the way a graph takes an input, wherever its column lies. */
const findTypeMismatch = (input: Input, { name, element, width }: Feed): Mismatch | undefined => {
  const suits = (width > 1 ? matrixElements : columnElements)[input.type];
  if (!suits.includes(element))
    return {
      input: input.name,
      message: `the graph takes ${name === input.name ? name : `${input.name} (in ${name})`} as ${element}, the manifest says ${input.type}`,
      remedy: `Change the input's type in model.yaml, or export it as one of: ${suits.join(", ")}.`,
    };
  if (input.type === "category" && element !== "string" && input.unknown === "map")
    return {
      input: input.name,
      message: `the graph takes ${input.name} as a number, its place in values, which an unknown category does not have`,
      remedy: "Write unknown: refuse, or export the model with text.",
    };
  if (!input.required && !["float32", "float64", "string"].includes(element))
    return {
      input: input.name,
      message: `${input.name} may be missing, and ${element} has no value that says so`,
      remedy: "Export it as float (a missing number reaches the model as NaN), or make it required.",
    };
  return undefined;
};

/** The graph's input as rows can be written to it: [N], [N, 1] or [N, width]; `open` is the width where the graph names none. */
const toFeed = (value: GraphValue, open: number): Feed | Mismatch => {
  const say = (message: string, remedy: string): Mismatch => ({ message, remedy });
  if (value.kind !== "tensor")
    return say(
      `the graph's input ${value.name} is a ${value.kind}`,
      "Export each column as a tensor [N, 1], or all as one [N, columns].",
    );
  if (!isColumnElement(value.type))
    return say(
      `the graph takes ${value.name} as ${value.type}`,
      "Export it as float, double, int32, int64, bool or string.",
    );
  const rank = value.shape?.length ?? 2;
  if (rank !== 1 && rank !== 2)
    return say(
      `the graph takes ${value.name} in the shape ${formatShape(value)}`,
      "Export each column as a tensor [N, 1], or all as one [N, columns].",
    );
  const [first, second] = value.shape ?? [];
  if (typeof first === "number")
    return say(
      `the graph takes exactly ${first} rows of ${value.name}`,
      "Export with an open first dimension: [None, 1].",
    );
  const width = rank === 1 ? 1 : typeof second === "number" ? second : open;
  return { name: value.name, element: value.type, rank, width };
};

/** One input of the graph for each of the manifest's, by name. */
const bindByName = (inputs: readonly Input[], graphInputs: readonly GraphValue[]): BindInputsResult => {
  const values = new Map(graphInputs.map((value) => [value.name, value]));
  const columns: Column[] = [];
  const mismatches: Mismatch[] = [];
  for (const input of inputs) {
    const value = values.get(input.name);
    values.delete(input.name);
    if (!value) {
      mismatches.push({
        input: input.name,
        message: `the graph has no input ${input.name}`,
        remedy: `Name the input as the graph does (${graphInputs
          .slice(0, 20)
          .map(({ name }) => name)
          .join(", ")}), or export it.`,
      });
      continue;
    }
    const feed = toFeed(value, 1);
    const wrong =
      "message" in feed
        ? feed
        : feed.width !== 1
          ? {
              message: `the graph takes ${feed.width} columns as ${feed.name}`,
              remedy: "Export each column as a tensor [N, 1].",
            }
          : findTypeMismatch(input, feed);
    if (wrong) mismatches.push({ input: input.name, ...wrong });
    else if ("element" in feed) columns.push({ input, feed, offset: 0 });
  }
  for (const name of values.keys())
    mismatches.push({
      message: `the graph's input ${name} is not in the manifest`,
      remedy: `Add { name: ${name}, type: … } to inputs in model.yaml, or export the model without it.`,
    });
  return mismatches.length > 0 ? { status: "mismatched", mismatches } : { status: "bound", columns };
};

/** The manifest's inputs in their order, filling the graph's inputs column by column. */
const bindInOrder = (inputs: readonly Input[], graphInputs: readonly GraphValue[]): BindInputsResult => {
  const feeds = graphInputs.map((value) => toFeed(value, graphInputs.length === 1 ? inputs.length : 1));
  const places = feeds.flatMap((feed) =>
    "message" in feed ? [] : Array.from({ length: feed.width }, (_, offset) => ({ feed, offset })),
  );
  const broken = feeds.filter((feed) => "message" in feed);
  if (broken.length > 0) return { status: "mismatched", mismatches: broken };
  if (places.length !== inputs.length)
    return {
      status: "mismatched",
      mismatches: [
        {
          message: `the graph takes ${places.length} columns (${feeds
            .flatMap((feed) => ("message" in feed ? [] : `${feed.name}: ${feed.width}`))
            .slice(0, 20)
            .join(", ")}), the manifest names ${inputs.length} inputs`,
          remedy: "List one input for each column of the graph's matrix, in its order.",
        },
      ],
    };
  const columns = inputs.flatMap((input, at): Column[] => {
    const place = places[at];
    return place ? [{ input, ...place }] : [];
  });
  const mismatches = columns.flatMap(({ input, feed }) => findTypeMismatch(input, feed) ?? []);
  return mismatches.length > 0 ? { status: "mismatched", mismatches } : { status: "bound", columns };
};

/**
 * Where each of the manifest's inputs goes into the graph, or everything that does not fit. Exporters write one of two
 * forms: an input for each column, found by name; or matrices [N, columns], most often a single one, whose columns
 * have no names and are the manifest's inputs in their order.
 */
export const bindInputs = (
  { inputs }: Pick<Manifest, "inputs">,
  graphInputs: readonly GraphValue[],
): BindInputsResult => {
  const named = graphInputs.some(({ name }) => inputs.some((input) => input.name === name));
  const wide = graphInputs.some(
    (value) => value.kind === "tensor" && typeof value.shape?.[1] === "number" && value.shape[1] > 1,
  );
  const one = graphInputs.length === 1 && inputs.length > 1;
  return (wide || one) && !named ? bindInOrder(inputs, graphInputs) : bindByName(inputs, graphInputs);
};
