import type { CompiledGraph, StepIndex } from "#inference/model/compiled/compiled-graph.ts";
import { runGraph } from "#inference/model/compiled/run-graph.ts";
import { nodeModes, type TreeEnsemble } from "#inference/model/compiled/tree-ensemble.ts";
import { createFeeds } from "#inference/model/create-feeds.ts";
import type { Input, Manifest, Row } from "#model-folder/manifest/manifest.ts";
import { bindInputs, type Column } from "#model-folder/onnx/bind-inputs.ts";
import { encodeRows } from "#model-folder/rows/encode-rows.ts";
import { listStepInputs } from "./list-step-inputs.ts";

type Needs = {
  readonly manifest: Manifest;
  readonly graph: CompiledGraph;
  readonly ensembles: readonly TreeEnsemble[];
  /** A row that the model takes. */
  readonly row: Row;
};
type NumberInput = Input & { readonly type: "integer" | "number" };

/** Thresholds of one input; the search below runs them together. */
const maxThresholds = 5_000;

const bits = new DataView(new ArrayBuffer(4));
/** Whole numbers in the order of the 32-bit floats, 0 for 0: neighbours differ by 1. */
const toOrder = (value: number): number => {
  bits.setFloat32(0, value);
  const order = bits.getInt32(0);
  return order < 0 ? -2_147_483_648 - order : order;
};
const fromOrder = (order: number): number => {
  bits.setInt32(0, order < 0 ? -2_147_483_648 - order : order);
  return bits.getFloat32(0);
};

/** The values that an input can have, as whole numbers: integers themselves, others as the 32-bit floats in their range. */
const createScale = ({ type, min, max }: NumberInput) => {
  if (type === "integer") return { lowest: min, highest: max, toValue: (place: number) => place };
  const [low, high] = [toOrder(Math.fround(min)), toOrder(Math.fround(max))];
  return {
    // Rounding can leave the range.
    lowest: fromOrder(low) < min ? low + 1 : low,
    highest: fromOrder(high) > max ? high - 1 : high,
    toValue: fromOrder,
  };
};

/** The thresholds of each feature, over all trees of all ensembles, by the step that makes it. */
const listThresholds = (
  { steps }: CompiledGraph,
  ensembles: readonly TreeEnsemble[],
): ReadonlyMap<StepIndex, ReadonlySet<number>> => {
  const thresholds = new Map<StepIndex, Set<number>>();
  for (const step of steps) {
    if (step.step !== "ensemble") continue;
    for (const tree of ensembles[step.ensemble]?.trees ?? [])
      for (const [node, feature] of tree.feature.entries()) {
        const column = step.features[feature] ?? -1;
        const known = thresholds.get(column) ?? new Set();
        thresholds.set(column, known);
        const threshold = tree.threshold[node] ?? Number.NaN;
        const isMember = nodeModes[tree.mode[node] ?? 0] === "member";
        for (const value of isMember ? (tree.sets[threshold] ?? []) : [threshold])
          if (!Number.isNaN(value)) known.add(value);
      }
  }
  return thresholds;
};

/**
 * Values of each number input around the thresholds that its features meet: the last value on one side, the first on the
 * other, and the neighbour of each, as far as the manifest allows them. They are searched by halves, because scalers and
 * imputers can lie between an input and a tree. An input whose values change no feature has none.
 */
export const listThresholdValues = ({
  manifest,
  graph,
  ensembles,
  row,
}: Needs): ReadonlyMap<string, readonly number[]> => {
  const binding = bindInputs(manifest, graph.inputs);
  if (binding.status === "mismatched") return new Map();
  const encode = encodeRows(binding.columns);
  const stepInputs = listStepInputs(graph);
  const thresholds = [...listThresholds(graph, ensembles)];

  /** The values of one column of features for values of one input, with all other inputs as in `row`. */
  const computeFeature = ({ feed, offset }: Column, step: StepIndex) => {
    const run = runGraph(
      {
        ...graph,
        outputs: [{ name: "feature", kind: "tensor", type: "float32", shape: ["rows"] }],
        results: [{ type: "float32", dims: ["rows"], columns: [step] }],
      },
      [],
    );
    return (values: readonly number[]): readonly number[] => {
      const encoded = encode(values.map(() => row));
      if (encoded.status === "invalid") return [];
      const data = encoded.feeds.find(({ name }) => name === feed.name)?.data;
      for (const [index, value] of values.entries()) {
        const at = index * feed.width + offset;
        if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[at] = BigInt(value);
        else if (Array.isArray(data)) data[at] = String(value);
        else if (data) data[at] = value;
      }
      const [result] = run(createFeeds(encoded.feeds), ["feature"]);
      return Array.from(result?.data ?? [], Number);
    };
  };

  const findValues = (input: NumberInput, column: Column): readonly number[] => {
    const { lowest, highest, toValue } = createScale(input);
    if (lowest > highest) return [];
    const found = new Set<number>();
    const element = { input: column.feed.name, element: column.offset };
    for (const [step, values] of thresholds) {
      const [only, ...others] = stepInputs(step);
      if (!only || others.length > 0 || only.input !== element.input || only.element !== element.element)
        continue;
      const compute = computeFeature(column, step);
      const [least, greatest] = compute([toValue(lowest), toValue(highest)]);
      // Between these two lies the place where the answer of `feature <= threshold` changes.
      const searches = [...values].slice(0, maxThresholds).flatMap((threshold) => {
        const atLowest = Number(least) <= threshold;
        return atLowest === Number(greatest) <= threshold
          ? []
          : [{ threshold, atLowest, from: lowest, to: highest }];
      });
      for (let open = searches; open.length > 0; open = open.filter(({ from, to }) => to - from > 1)) {
        const middles = open.map(({ from, to }) => Math.floor((from + to) / 2));
        const features = compute(middles.map(toValue));
        for (const [index, search] of open.entries()) {
          const middle = middles[index] ?? search.to;
          if (Number(features[index]) <= search.threshold === search.atLowest) search.from = middle;
          else search.to = middle;
        }
      }
      for (const { from, to } of searches)
        for (const place of [from - 1, from, to, to + 1])
          if (place >= lowest && place <= highest) found.add(toValue(place));
    }
    return [...found];
  };

  return new Map(
    binding.columns.flatMap((column) =>
      column.input.type === "integer" || column.input.type === "number"
        ? [[column.input.name, findValues(column.input, column)] as const]
        : [],
    ),
  );
};
