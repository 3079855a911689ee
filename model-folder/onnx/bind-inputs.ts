import { type ArrayInput, arrayShape, isArrayInput } from "#model-folder/manifest/array-shape.ts";
import type { Input, Manifest } from "#model-folder/manifest/manifest.ts";
import { findBatchSize } from "./find-batch-size.ts";
import { formatShape, formatSizes } from "./format-graph-value.ts";
import type { ElementType, GraphValue } from "./graph-value.ts";

/** Element types that a column can have. */
export type ColumnElement = Exclude<ElementType, "other">;

/** An input of the graph: a tensor [rows], [rows, width] or [rows, ...shape]. */
export type Feed = {
  readonly name: string;
  readonly element: ColumnElement;
  readonly rank: 1 | 2;
  /** Elements per row; an open dimension of `shape` counts as 1. */
  readonly width: number;
  /** The dimensions of one row, where they are not [width]; null: any size, the same in all rows of a run. */
  readonly shape?: readonly (number | null)[];
};
/** An input of the manifest and its column in an input of the graph. */
export type Column = { readonly input: Input; readonly feed: Feed; readonly offset: number };

/** A mismatch between graph and manifest. `input` is the name of the manifest's input. */
export type Mismatch = { readonly input?: string; readonly message: string; readonly remedy: string };

type BindInputsResult =
  | { readonly status: "bound"; readonly columns: readonly Column[] }
  | { readonly status: "mismatched"; readonly mismatches: readonly Mismatch[] };

const floats = ["float32", "float64", "float16"] as const;
const numbers = [
  ...floats,
  "int32",
  "int64",
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "uint64",
] as const;
const columnElements: Readonly<Record<Input["type"], readonly string[]>> = {
  integer: numbers,
  number: floats,
  boolean: ["bool", ...numbers],
  category: ["string"],
  string: ["string"],
  tensor: [],
  image: [],
};
/** All columns of a matrix have one type: a category can become a number, its index in `values`; an integer can become text. */
const matrixElements: Readonly<Record<Input["type"], readonly string[]>> = {
  ...columnElements,
  integer: [...columnElements.integer, "string"],
  category: ["string", ...numbers],
};
const listAllowedElements = (input: Input, width: number): readonly string[] =>
  input.type === "string" && input.format === "int64"
    ? ["int64"]
    : (width > 1 ? matrixElements : columnElements)[input.type];

/** Checks that the graph's element type can hold an input. */
const findTypeMismatch = (input: Input, { name, element, width }: Feed): Mismatch | undefined => {
  const allowed = listAllowedElements(input, width);
  if (!allowed.includes(element))
    return {
      input: input.name,
      message: `the graph takes ${name === input.name ? name : `${input.name} (in ${name})`} as ${element}, the manifest says ${input.type}`,
      remedy: `Change the input's type in model.yaml, or export it as one of: ${allowed.join(", ")}.`,
    };
  if (input.type === "category" && element !== "string" && input.unknown === "map")
    return {
      input: input.name,
      message: `the graph takes ${input.name} as a number (its index in values), so an unknown category has no value`,
      remedy: "Write unknown: refuse, or export the model with text.",
    };
  if (!input.required && !["float16", "float32", "float64", "string"].includes(element))
    return {
      input: input.name,
      message: `${input.name} may be missing, but ${element} has no missing value`,
      remedy: "Export it as float (a missing number reaches the model as NaN), or make it required.",
    };
  return undefined;
};

/** Converts an input of the graph to a feed: [N], [N, 1] or [N, width]. `defaultWidth` applies if the graph names none. */
const toFeed = (value: GraphValue, defaultWidth: number): Feed | Mismatch => {
  const refuse = (message: string, remedy: string): Mismatch => ({ message, remedy });
  if (value.kind !== "tensor")
    return refuse(
      `the graph's input ${value.name} is a ${value.kind}`,
      "Export each column as a tensor [N, 1], or all as one [N, columns].",
    );
  if (value.type === "other")
    return refuse(
      `the graph takes ${value.name} in an element type that is not supported`,
      "Export it as float, double, an integer, bool or string.",
    );
  const rank = value.shape?.length ?? 2;
  const [, second, ...inner] = value.shape ?? [];
  if (rank > 2) {
    const shape = [second, ...inner].filter((size) => typeof size === "number");
    if (shape.length === rank - 1)
      return {
        name: value.name,
        element: value.type,
        rank: 2,
        width: shape.reduce((product, size) => product * size, 1),
        shape,
      };
  }
  if (rank !== 1 && rank !== 2)
    return refuse(
      `the graph takes ${value.name} in the shape ${formatShape(value)}`,
      `Describe it as one input of type tensor: { name: ${value.name}, type: tensor, element: ${value.type}, shape: [ … ] }.`,
    );
  const width = rank === 1 ? 1 : typeof second === "number" ? second : defaultWidth;
  return { name: value.name, element: value.type, rank, width };
};

/** Binds a tensor or image of the manifest to an input of the graph. @param shape of one row; null: any size */
const bindArray = (
  { name, element }: ArrayInput,
  shape: readonly (number | null)[],
  value: GraphValue,
): Feed | Mismatch => {
  if (value.kind !== "tensor")
    return {
      message: `the graph's input ${value.name} is a ${value.kind}`,
      remedy: "Export it as a tensor.",
    };
  if (value.type !== element)
    return {
      message: `the graph takes ${value.name} as ${value.type}, the manifest says ${element}`,
      remedy: `Write element: ${value.type} for ${name} in model.yaml.`,
    };
  const sizes = value.shape?.slice(1);
  const fits =
    sizes === undefined ||
    (value.shape?.length === shape.length + 1 &&
      sizes.every((size, index) => {
        const own = shape[index];
        // An open dimension of the manifest accepts any size, so the graph's must be open too.
        return typeof size !== "number" || size === own;
      }));
  if (!fits)
    return {
      message: `the graph takes ${value.name} in the shape ${formatSizes(["N", ...(sizes ?? [])])}, the manifest says ${formatSizes(["N", ...shape])}`,
      remedy: `Write the graph's shape without its first dimension for ${name} in model.yaml.`,
    };
  return {
    name: value.name,
    element,
    rank: 2,
    width: shape.reduce<number>((product, size) => product * (size ?? 1), 1),
    shape,
  };
};

/** Binds each of the manifest's inputs to the graph's input of the same name. */
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
    if (isArrayInput(input)) {
      const bound = bindArray(input, arrayShape(input), value);
      if ("message" in bound) mismatches.push({ input: input.name, ...bound });
      else columns.push({ input, feed: bound, offset: 0 });
      continue;
    }
    const feed = toFeed(value, 1);
    const mismatch =
      "message" in feed
        ? feed
        : feed.width !== 1
          ? {
              message: `the graph takes ${feed.width} columns as ${feed.name}`,
              remedy: "Export each column as a tensor [N, 1].",
            }
          : findTypeMismatch(input, feed);
    if (mismatch) mismatches.push({ input: input.name, ...mismatch });
    else if ("element" in feed) columns.push({ input, feed, offset: 0 });
  }
  for (const name of values.keys())
    mismatches.push({
      message: `the graph's input ${name} is not in the manifest`,
      remedy: `Add { name: ${name}, type: … } to inputs in model.yaml, or export the model without it.`,
    });
  return mismatches.length > 0 ? { status: "mismatched", mismatches } : { status: "bound", columns };
};

/** Binds the manifest's inputs in order to the columns of the graph's inputs. */
const bindInOrder = (inputs: readonly Input[], graphInputs: readonly GraphValue[]): BindInputsResult => {
  const feeds = graphInputs.map((value) => toFeed(value, graphInputs.length === 1 ? inputs.length : 1));
  const slots = feeds.flatMap((feed) =>
    "message" in feed ? [] : Array.from({ length: feed.width }, (_, offset) => ({ feed, offset })),
  );
  const invalidFeeds = feeds.filter((feed) => "message" in feed);
  if (invalidFeeds.length > 0) return { status: "mismatched", mismatches: invalidFeeds };
  if (slots.length !== inputs.length)
    return {
      status: "mismatched",
      mismatches: [
        {
          message: `the graph takes ${slots.length} columns (${feeds
            .flatMap((feed) => ("message" in feed ? [] : `${feed.name}: ${feed.width}`))
            .slice(0, 20)
            .join(", ")}), the manifest names ${inputs.length} inputs`,
          remedy: "List one input for each column of the graph's matrix, in its order.",
        },
      ],
    };
  const columns = inputs.flatMap((input, index): Column[] => {
    const slot = slots[index];
    return slot ? [{ input, ...slot }] : [];
  });
  const mismatches = columns.flatMap(({ input, feed }) => findTypeMismatch(input, feed) ?? []);
  return mismatches.length > 0 ? { status: "mismatched", mismatches } : { status: "bound", columns };
};

/** Whether the graph's only input is a matrix of so many columns; an open width holds any number. */
const isOnlyMatrix = ([value, ...others]: readonly GraphValue[], columns: number): boolean => {
  if (value?.kind !== "tensor" || value.shape?.length === 1) return false;
  const width = value.shape?.[1];
  return others.length === 0 && columns > 1 && (typeof width !== "number" || width === columns);
};

/**
 * Binds the manifest's inputs to the graph's inputs, or returns every mismatch. Exporters write one of two forms: an input
 * per column, bound by name; or matrices [N, columns], usually one, whose unnamed columns are the manifest's inputs in
 * order. A tensor of more dimensions of fixed size is such a matrix too: its elements are the columns, row-major. Inputs
 * of type tensor and image are bound by name, or as the only input.
 */
export const bindInputs = (
  { inputs }: Pick<Manifest, "inputs">,
  graphInputs: readonly GraphValue[],
): BindInputsResult => {
  const batch = findBatchSize(graphInputs);
  if (batch.status === "mismatched") return { status: "mismatched", mismatches: [batch] };
  const [input, ...otherInputs] = inputs;
  const [value, ...otherValues] = graphInputs;
  // One array and one input of the graph belong together, whatever their names.
  if (input && isArrayInput(input) && otherInputs.length === 0 && value && otherValues.length === 0) {
    const feed = bindArray(input, arrayShape(input), value);
    return "message" in feed
      ? { status: "mismatched", mismatches: [{ input: input.name, ...feed }] }
      : { status: "bound", columns: [{ input, feed, offset: 0 }] };
  }
  const hasName = graphInputs.some(({ name }) => inputs.some((input) => input.name === name));
  // A matrix may have the name of one of its columns: `input`, `X`.
  const isMatrix = isOnlyMatrix(graphInputs, inputs.length);
  const hasMatrix = graphInputs.some(
    (value) =>
      value.kind === "tensor" &&
      value.shape?.slice(1).some((size) => typeof size === "number" && size > 1) === true,
  );
  const isSingle = graphInputs.length === 1 && inputs.length > 1;
  return (hasMatrix || isSingle) && (!hasName || isMatrix)
    ? bindInOrder(inputs, graphInputs)
    : bindByName(inputs, graphInputs);
};
