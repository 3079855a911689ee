import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { RunFailed } from "../model-errors.ts";
import type { Bound, Doubts } from "./bounds.ts";
import { allocateColumn, type Column, type ColumnData } from "./column.ts";
import type { CompiledGraph, CompiledOutput, Step, StepIndex } from "./compiled-graph.ts";
import type { EnsembleRunner } from "./ensemble-runner.ts";
import { findWholeMatrix } from "./find-whole-matrix.ts";
import { listStepSources } from "./list-step-sources.ts";
import { createPrefixView } from "./prefix-view.ts";
import { checkOutput, prepareBound } from "./run-bounds.ts";
import { prepareStep, type RunStep } from "./run-step.ts";

/** A graph's input: its data row-major, and its dimensions, of which the first is the rows. */
export type CompiledFeed = {
  readonly type: string;
  readonly data: unknown;
  readonly dims: readonly number[];
};
export type CompiledResult = { readonly data: ColumnData; readonly dims: readonly number[] };
/**
 * Gives the requested outputs, in their order, in memory of their own. Throws RunFailed for feeds that are not the graph's,
 * and for a value that the graph refuses. Throws RowTooClose where rounding could change a label, or a number by more than
 * the tolerance.
 */
export type RunGraph = (
  feeds: Readonly<Record<string, CompiledFeed>>,
  outputs: readonly string[],
) => readonly CompiledResult[];

/** onnxruntime must answer this request: one of its rows is too close to call, or has a number that no integer holds. */
export class RowTooClose extends Error {
  override readonly name = "RowTooClose";
  constructor() {
    super("a row is too close to call, or has a number that no integer holds");
  }
}

const fail = (message: string): never => {
  throw new RunFailed(message);
};

/** Rows go through all steps in blocks that stay in the processor's cache, in memory that the graph keeps. */
const mostBlockRows = 512;
const blockElements = 2_000_000;

const takesOneHot = ({ step }: Step): boolean => step === "ensemble" || step === "dense";

/** The steps that these outputs need, in order. Ensembles and sums make one-hot features from their categories themselves. */
const listNeededSteps = (
  steps: readonly Step[],
  results: readonly CompiledOutput[],
): readonly StepIndex[] => {
  const needed = new Set<StepIndex>();
  const waiting = results.flatMap(({ columns }) => columns);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const step = steps[next];
    if (step === undefined || needed.has(next)) continue;
    needed.add(next);
    for (const source of listStepSources(step)) {
      const feature = steps[source];
      waiting.push(takesOneHot(step) && feature?.step === "one-hot" ? feature.category : source);
    }
  }
  return [...needed].sort((one, other) => one - other);
};

const multiply = (sizes: readonly (number | "rows")[]): number =>
  sizes.reduce<number>((product, size) => product * (size === "rows" ? 1 : size), 1);

type Place = { readonly first: number; readonly step: number; readonly rows: number };
const copyElements = <Element>(
  source: ArrayLike<Element>,
  { offset, stride }: Column,
  target: { [index: number]: Element },
  { first, step, rows }: Place,
): void => {
  for (let row = 0; row < rows; row++) {
    const element = source[offset + row * stride];
    if (element !== undefined) target[first + row * step] = element;
  }
};
const copyColumn = (column: Column, data: ColumnData, place: Place): void => {
  const { values } = column;
  if (Array.isArray(values) && Array.isArray(data)) copyElements(values, column, data, place);
  else if (values instanceof BigInt64Array && data instanceof BigInt64Array) {
    if (column.stride === 1 && place.step === 1)
      data.set(values.subarray(column.offset, column.offset + place.rows), place.first);
    else copyElements(values, column, data, place);
  } else if (
    !Array.isArray(values) &&
    !Array.isArray(data) &&
    !(values instanceof BigInt64Array) &&
    !(data instanceof BigInt64Array)
  )
    copyElements(values, column, data, place);
  else throw new TypeError("an output has columns of two types");
};

/** Copies an output's columns of one block to their places among all rows. */
const prepareCopy = (output: CompiledOutput, steps: readonly Step[], registers: readonly Column[]) => {
  const { dims, columns } = output;
  const axis = dims.indexOf("rows");
  const after = multiply(dims.slice(axis + 1));
  const whole = axis === 0 ? findWholeMatrix(output.columns, steps) : undefined;
  const matrix = whole === undefined ? undefined : registers[whole];
  const sources = columns.map((column) => registers[column]);
  const readMatrix = matrix?.values instanceof Float32Array ? createPrefixView(matrix.values) : undefined;
  return (data: ColumnData, start: number, rows: number, allRows: number): void => {
    if (readMatrix && data instanceof Float32Array) {
      data.set(readMatrix(rows * columns.length), start * columns.length);
      return;
    }
    for (const [index, source] of sources.entries()) {
      if (source === undefined) continue;
      const first = (Math.floor(index / after) * allRows + start) * after + (index % after);
      copyColumn(source, data, { first, step: after, rows });
    }
  };
};

const isColumnData = (data: unknown, type: string): data is ColumnData => {
  switch (type) {
    case "float32":
      return data instanceof Float32Array;
    case "float64":
      return data instanceof Float64Array;
    case "int32":
      return data instanceof Int32Array;
    case "int64":
      return data instanceof BigInt64Array;
    case "bool":
      return data instanceof Uint8Array;
    default:
      return type === "string" && Array.isArray(data);
  }
};

/** Binds the feeds to the graph's inputs after it has checked them, and gives the number of rows. */
const bindInputs = (
  { inputs }: CompiledGraph,
  feeds: Readonly<Record<string, CompiledFeed>>,
  bound: readonly Column[],
): number => {
  let rows = 0;
  for (let index = 0; index < inputs.length; index++) {
    const input = inputs[index];
    const column = bound[index];
    if (input?.kind !== "tensor" || column === undefined)
      return fail("the graph has an input that is no tensor");
    const feed = getOwnProperty(feeds, input.name);
    if (feed === undefined) return fail(`the graph's input ${input.name} has no value`);
    const { type, data, dims } = feed;
    if (type !== input.type || !isColumnData(data, type))
      return fail(`the graph takes an input as ${input.type}, it got ${type}`);
    const shape = input.shape ?? [];
    let stride = 1;
    for (let axis = 1; axis < shape.length; axis++) {
      if (shape[axis] !== dims[axis]) return failDimensions(input.name, dims);
      stride *= dims[axis] ?? 0;
    }
    const [count = 0] = dims;
    if (dims.length !== shape.length || data.length !== count * stride)
      return failDimensions(input.name, dims);
    if (count < 1 || (rows !== 0 && rows !== count))
      return fail("the graph's inputs have different numbers of rows");
    rows = count;
    column.values = data;
    column.stride = stride;
  }
  return rows === 0 ? fail("the graph got no rows") : rows;
};
const failDimensions = (name: string, dims: readonly number[]): never =>
  fail(`the graph takes ${name} with other dimensions, it got [${dims.join(", ")}]`);

const nothing = new Float32Array();

type Program = {
  readonly names: readonly string[];
  readonly run: readonly RunStep[];
  readonly checks: readonly RunStep[];
  readonly outputs: readonly {
    readonly output: CompiledOutput;
    readonly copy: ReturnType<typeof prepareCopy>;
  }[];
};

const isSameList = (one: readonly string[], other: readonly string[]): boolean =>
  one === other || (one.length === other.length && one.every((name, index) => name === other[index]));

/**
 * Opens a compiled graph. It answers as onnxruntime does: the same names, types, dimensions and labels, and numbers within
 * 1e-6 × max(1, |y|).
 * @param runners one for each ensemble, in their order
 */
export const runGraph = (graph: CompiledGraph, runners: readonly EnsembleRunner[]): RunGraph => {
  const { steps, outputs, results } = graph;
  const blockRows = Math.max(1, Math.min(mostBlockRows, Math.floor(blockElements / steps.length)));
  const inputs = graph.inputs.map((): Column => ({ values: nothing, offset: 0, stride: 1 }));
  const registers = steps.map((): Column => ({ values: nothing, offset: 0, stride: 1 }));
  const bounds = steps.map((): Bound | undefined => undefined);
  const doubts: Doubts = { found: false };
  const context = { steps, registers, inputs, runners, blockRows, bounds, doubts };
  const prepared = new Map<StepIndex, readonly RunStep[]>();
  // Only sums have bounds: a graph of trees alone does not load their code.
  const hasSums = steps.some(({ step }) => step === "dense");
  const prepare = (names: readonly string[]): Program => {
    const chosen = names.map((name) => {
      const result = results[outputs.findIndex((output) => output.name === name)];
      return result ?? fail(`the graph has no output ${name}`);
    });
    if (chosen.length === 0) fail("the graph has no output that a prediction can be read from");
    const run = listNeededSteps(steps, chosen).flatMap((index) => {
      const known = prepared.get(index) ?? [
        prepareStep(index, context),
        ...(hasSums ? prepareBound(index, context) : []),
      ];
      prepared.set(index, known);
      return known;
    });
    return {
      names: [...names],
      run,
      checks: hasSums
        ? chosen.flatMap(({ columns }) => columns.flatMap((column) => checkOutput(column, context)))
        : [],
      outputs: chosen.map((output) => ({ output, copy: prepareCopy(output, steps, registers) })),
    };
  };
  const programs: Program[] = [];
  const findProgram = (names: readonly string[]): Program => {
    for (const program of programs) if (isSameList(program.names, names)) return program;
    const program = prepare(names);
    programs.push(program);
    return program;
  };
  return (feeds, names) => {
    const program = findProgram(names);
    doubts.found = false;
    try {
      const rows = bindInputs(graph, feeds, inputs);
      const data = program.outputs.map(({ output: { type, columns } }) =>
        allocateColumn(type, rows * columns.length),
      );
      for (let start = 0; start < rows; start += blockRows) {
        const count = Math.min(blockRows, rows - start);
        for (const run of program.run) {
          run(start, count);
          if (doubts.found) throw new RowTooClose();
        }
        for (const check of program.checks) check(start, count);
        if (doubts.found) throw new RowTooClose();
        for (let index = 0; index < data.length; index++)
          program.outputs[index]?.copy(data[index] ?? nothing, start, count, rows);
      }
      return program.outputs.map(({ output: { dims } }, index) => ({
        data: data[index] ?? nothing,
        dims: dims.map((size) => (size === "rows" ? rows : size)),
      }));
    } finally {
      // A request's values are not kept until the next one.
      for (const column of inputs) column.values = nothing;
    }
  };
};
