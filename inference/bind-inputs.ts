import type { GraphValue } from "./element-type.ts";
import type { Input, Manifest } from "./manifest.ts";

/** Element types that a column can be written in. */
export type ColumnElement = "float32" | "float64" | "int32" | "int64" | "bool" | "string";

/** One input of the manifest and how the graph takes it. */
export type Column = { readonly input: Input; readonly element: ColumnElement; readonly rank: 1 | 2 };

/** A way in which a graph does not fit its manifest. `input` names the manifest's input it is about. */
export type Mismatch = { readonly input?: string; readonly message: string; readonly remedy: string };

const suits: Readonly<Record<Input["type"], readonly string[]>> = {
  integer: ["float32", "float64", "int32", "int64"],
  number: ["float32", "float64"],
  boolean: ["bool", "float32", "float64", "int32", "int64"],
  category: ["string"],
  string: ["string"],
};
const isColumnElement = (type: string): type is ColumnElement =>
  ["float32", "float64", "int32", "int64", "bool", "string"].includes(type);

const bindOne = (input: Input, value: GraphValue): Column | Mismatch => {
  const say = (message: string, remedy: string): Mismatch => ({ input: input.name, message, remedy });
  const takes = suits[input.type].join(", ");
  if (value.kind !== "tensor")
    return say(
      `the graph's input ${input.name} is a ${value.kind}`,
      "Export each column as a tensor [N, 1].",
    );
  if (!suits[input.type].includes(value.type) || !isColumnElement(value.type))
    return say(
      `the graph takes ${input.name} as ${value.type}, the manifest says ${input.type}`,
      `Change the input's type in model.yaml, or export it as one of: ${takes}.`,
    );
  const rank = value.shape?.length ?? 2;
  const columns = value.shape?.[1];
  if ((rank !== 1 && rank !== 2) || (typeof columns === "number" && columns !== 1))
    return say(
      `the graph takes ${input.name} in the shape [${value.shape?.map((size) => size ?? "?").join(", ")}]`,
      "Export each column as a tensor [N, 1].",
    );
  const first = value.shape?.[0];
  if (typeof first === "number")
    return say(
      `the graph takes exactly ${first} rows of ${input.name}`,
      "Export with an open first dimension: [None, 1].",
    );
  if (!input.required && !["float32", "float64", "string"].includes(value.type))
    return say(
      `${input.name} may be missing, and ${value.type} has no value that says so`,
      "Export it as float (a missing number reaches the model as NaN), or make it required.",
    );
  return { input, element: value.type, rank };
};

/** The graph's inputs for the manifest's, column by column in the manifest's order; or everything that does not fit. */
export const bindInputs = (
  manifest: Pick<Manifest, "inputs">,
  graphInputs: readonly GraphValue[],
):
  | { readonly status: "bound"; readonly columns: readonly Column[] }
  | { readonly status: "mismatched"; readonly mismatches: readonly Mismatch[] } => {
  const values = new Map(graphInputs.map((value) => [value.name, value]));
  const columns: Column[] = [];
  const mismatches: Mismatch[] = [];
  for (const input of manifest.inputs) {
    const value = values.get(input.name);
    if (!value) {
      mismatches.push({
        input: input.name,
        message: `the graph has no input ${input.name}`,
        remedy: `Name the input as the graph does (${[...values.keys()].slice(0, 20).join(", ")}), or export it.`,
      });
      continue;
    }
    values.delete(input.name);
    const bound = bindOne(input, value);
    if ("element" in bound) columns.push(bound);
    else mismatches.push(bound);
  }
  for (const name of values.keys())
    mismatches.push({
      message: `the graph's input ${name} is not in the manifest`,
      remedy: `Add { name: ${name}, type: … } to inputs in model.yaml, or export the model without it.`,
    });
  return mismatches.length > 0 ? { status: "mismatched", mismatches } : { status: "bound", columns };
};
