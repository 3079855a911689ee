import type { GraphConstant, GraphNode } from "./graph-node.ts";
import type { GraphValue } from "./graph-value.ts";

/** The values of one column of a graph's input that a table in the graph has a row for. */
export type IndexRange = {
  /** The graph's input. */
  readonly input: string;
  /** The column in it, from 0. */
  readonly column: number;
  /** Rows of the table. ONNX allows -size to size - 1: a negative index counts from the end. */
  readonly size: number;
  readonly operator: string;
};

type Source = { readonly input: string; readonly column: number };
/** A tensor whose cells are unchanged cells of inputs; `columns` where its second dimension lists them in order. */
type Origin = { readonly sources: readonly Source[]; readonly isRowMajor: boolean };

const maxColumns = 2_000;
/** Operators that return the cells of their first input, in another shape or element type. */
const sameCells = new Set(["Cast", "Identity", "Squeeze", "Unsqueeze", "Reshape", "Flatten"]);

const readAxis = ({ attributes }: GraphNode, otherwise: number): number =>
  attributes.get("axis")?.int ?? otherwise;

const toOrigin = (value: GraphValue): Origin | undefined => {
  if (value.kind !== "tensor") return undefined;
  const last = value.shape?.length === 2 ? value.shape[1] : 1;
  if (typeof last !== "number" || last > maxColumns || (value.shape?.length ?? 0) > 2) return undefined;
  return {
    sources: Array.from({ length: last }, (_, column) => ({ input: value.name, column })),
    isRowMajor: value.shape?.length === 2,
  };
};

/**
 * Finds the inputs whose values select rows of a table in the graph (an embedding), and the table's size. It follows cells
 * that reach the table unchanged; an input that is computed with on its way has no range here.
 */
export const findIndexRanges = (
  inputs: readonly GraphValue[],
  nodes: readonly GraphNode[],
  constants: ReadonlyMap<string, GraphConstant>,
): readonly IndexRange[] => {
  const origins = new Map<string, Origin>();
  const ranges = new Map<string, IndexRange>();
  for (const input of inputs) {
    const origin = toOrigin(input);
    if (origin) origins.set(input.name, origin);
  }
  const valuesByName = (name: string | undefined): readonly number[] | undefined =>
    constants.get(name ?? "")?.values;

  const addRange = (operator: string, indices: string | undefined, size: number | undefined): void => {
    if (size === undefined) return;
    for (const { input, column } of origins.get(indices ?? "")?.sources ?? []) {
      const key = JSON.stringify([input, column]);
      if (size < (ranges.get(key)?.size ?? Number.POSITIVE_INFINITY))
        ranges.set(key, { input, column, size, operator });
    }
  };
  /** Columns of a matrix by their indexes; undefined unless all exist. */
  const selectColumns = (origin: Origin, columns: readonly number[]): Origin | undefined => {
    if (!origin.isRowMajor) return undefined;
    const { sources } = origin;
    const chosen = columns.flatMap((column) => sources[column < 0 ? sources.length + column : column] ?? []);
    return chosen.length === columns.length ? { sources: chosen, isRowMajor: true } : undefined;
  };
  const isColumnAxis = (axis: number | undefined): boolean => axis === 1 || axis === -1;
  const setOutput = (node: GraphNode, origin: Origin | undefined, index = 0): void => {
    const name = node.outputs[index];
    if (name && origin) origins.set(name, origin);
  };

  const followGather = (node: GraphNode): void => {
    const [data = "", indices = ""] = node.inputs;
    addRange("Gather", indices, constants.get(data)?.dims?.at(readAxis(node, 0)));
    const origin = origins.get(data);
    const columns = valuesByName(indices);
    if (!origin || !columns || !isColumnAxis(readAxis(node, 0))) return;
    const chosen = selectColumns(origin, columns);
    // A single index may drop the dimension: the cells are known, their order in columns is not.
    setOutput(node, chosen && { ...chosen, isRowMajor: chosen.sources.length > 1 });
  };
  const followSlice = (node: GraphNode, origin: Origin): void => {
    const [, starts, ends, axes, steps] = node.inputs;
    const first = valuesByName(starts) ?? node.attributes.get("starts")?.values;
    const last = valuesByName(ends) ?? node.attributes.get("ends")?.values;
    const axis = valuesByName(axes) ?? node.attributes.get("axes")?.values;
    const step = steps ? valuesByName(steps) : [1];
    if (first?.length !== 1 || last?.length !== 1 || axis?.length !== 1 || step?.[0] !== 1) return;
    if (!isColumnAxis(axis[0])) return;
    const columns = origin.sources.map((_, column) => column).slice(first[0], last[0]);
    setOutput(node, selectColumns(origin, columns));
  };
  const followSplit = (node: GraphNode, origin: Origin): void => {
    if (!isColumnAxis(readAxis(node, 0))) return;
    const even = origin.sources.length / node.outputs.length;
    const sizes =
      valuesByName(node.inputs[1]) ??
      node.attributes.get("split")?.values ??
      (Number.isInteger(even) ? node.outputs.map(() => even) : undefined);
    if (!sizes || sizes.some((size) => size < 0)) return;
    let start = 0;
    for (const [index, size] of sizes.entries()) {
      const columns = origin.sources.map((_, column) => column).slice(start, start + size);
      setOutput(node, selectColumns(origin, columns), index);
      start += size;
    }
  };
  const followConcat = (node: GraphNode): void => {
    const parts = node.inputs.map((name) => origins.get(name));
    const known = parts.flatMap((part) => part ?? []);
    if (node.hasMoreInputs || known.length !== parts.length || !isColumnAxis(readAxis(node, 0))) return;
    const sources = known.flatMap((part) => part.sources);
    if (sources.length <= maxColumns)
      setOutput(node, { sources, isRowMajor: known.every((part) => part.isRowMajor) });
  };

  for (const node of nodes) {
    const { operator, domain, inputs: names } = node;
    if (domain === "com.microsoft" && operator === "EmbedLayerNormalization")
      addRange(operator, names[0], constants.get(names[2] ?? "")?.dims?.[0]);
    if (domain !== "") continue;
    const origin = origins.get(names[0] ?? "");
    if (operator === "Gather") followGather(node);
    else if (operator === "GatherElements")
      addRange(operator, names[1], constants.get(names[0] ?? "")?.dims?.at(readAxis(node, 0)));
    else if (operator === "Concat") followConcat(node);
    else if (origin && operator === "Slice") followSlice(node, origin);
    else if (origin && operator === "Split") followSplit(node, origin);
    else if (origin && sameCells.has(operator))
      setOutput(node, {
        sources: origin.sources,
        // A column [N, 1] stays the only column; any other new shape may mix the columns.
        isRowMajor: origin.isRowMajor && (operator === "Cast" || operator === "Identity"),
      });
  }
  return [...ranges.values()];
};
