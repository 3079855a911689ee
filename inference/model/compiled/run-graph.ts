import { RunFailed } from "../model-errors.ts";
import { allocateColumn, type Column, type ColumnData, wrapColumn } from "./column.ts";
import type { ColumnType, CompiledGraph, CompiledOutput, Scalar, Step, StepIndex } from "./compiled-graph.ts";
import type { EnsembleRunner } from "./ensemble-runner.ts";
import { gather, toPlaces } from "./gather.ts";
import { labelRows, scoreRows, transformRows } from "./link-scores.ts";
import { listStepSources } from "./list-step-sources.ts";
import { runArithmetic, runChoice, runComparison, runConversion, runFunction } from "./run-arithmetic.ts";
import { fromScalar } from "./scalars.ts";
import { createFeatureWriter } from "./write-features.ts";

/** A graph's input: its data row-major, and its dimensions, of which the first is the rows. */
export type CompiledFeed = {
  readonly type: string;
  readonly data: unknown;
  readonly dims: readonly number[];
};
export type CompiledResult = { readonly data: ColumnData; readonly dims: readonly number[] };
/**
 * Gives the requested outputs, in their order. Throws RunFailed for feeds that are not the graph's, and for a value that the
 * graph refuses.
 */
export type RunGraph = (
  feeds: Readonly<Record<string, CompiledFeed>>,
  outputs: readonly string[],
) => readonly CompiledResult[];

type Matrix = { readonly values: Float32Array; readonly width: number };
type Register = Column | Matrix;
type Run = { readonly rows: number; readonly inputs: readonly Column[]; readonly registers: Register[] };
/** Fills the register of one step. */
type RunStep = (run: Run) => Register;

const fail = (message: string): never => {
  throw new RunFailed(message);
};
const getColumn = ({ registers }: Run, step: StepIndex): Column => {
  const register = registers[step];
  if (register === undefined || !("stride" in register)) throw new TypeError(`step ${step} is no column`);
  return register;
};
const getMatrix = ({ registers }: Run, step: StepIndex): Matrix => {
  const register = registers[step];
  if (register === undefined || !("width" in register)) throw new TypeError(`step ${step} is no matrix`);
  return register;
};

/** A column's data from texts, numbers or integers of JSON. */
const fillColumn = (data: ColumnData, values: readonly (number | bigint | string)[]): ColumnData => {
  for (const [index, value] of values.entries())
    if (Array.isArray(data)) data[index] = String(value);
    else if (data instanceof BigInt64Array) data[index] = BigInt(value);
    else data[index] = Number(value);
  return data;
};
const toTable = (values: readonly Scalar[], type: ColumnType): ColumnData =>
  fillColumn(
    allocateColumn(type, values.length),
    values.map((value) => fromScalar(value, type)),
  );

/** Applies `change` to a copy of a matrix. */
const changeMatrix = ({ values, width }: Matrix, change: (values: Float32Array) => void): Matrix => {
  const changed = values.slice();
  change(changed);
  return { values: changed, width };
};

const prepareMap = ({ type, column, keys, values, fallback }: Extract<Step, { step: "map" }>): RunStep => {
  // The last place holds the fallback.
  const table = toTable([...values, fallback], type);
  let places: Map<number | bigint | string, number> | undefined;
  return (run) => {
    const { values: source, offset, stride } = getColumn(run, column);
    const sourceType: ColumnType = Array.isArray(source)
      ? "string"
      : source instanceof BigInt64Array
        ? "int64"
        : "float32";
    if (places === undefined) {
      places = new Map();
      for (const [place, key] of keys.entries()) {
        const value = fromScalar(key, sourceType);
        // The first of equal keys counts, as in onnxruntime (emplace).
        if (!places.has(value)) places.set(value, place);
      }
    }
    const found = new Int32Array(run.rows);
    for (let row = 0; row < run.rows; row++)
      found[row] = places.get(source[offset + row * stride] ?? "") ?? keys.length;
    return gather(table, found);
  };
};

const prepareExtreme =
  ({ least, columns }: Extract<Step, { step: "extreme" }>): RunStep =>
  (run) => {
    const sources = columns.map((column) => getColumn(run, column));
    const data = new BigInt64Array(run.rows);
    for (let row = 0; row < run.rows; row++) {
      let best = 0;
      let value = readAt(sources[0], row);
      for (let index = 1; index < sources.length; index++) {
        const other = readAt(sources[index], row);
        if (least ? other < value : other > value) {
          best = index;
          value = other;
        }
      }
      data[row] = BigInt(best);
    }
    return wrapColumn(data);
  };
const readAt = (column: Column | undefined, row: number): number | bigint | string =>
  column?.values[column.offset + row * column.stride] ?? 0;

const prepareEnsemble = (
  { ensemble, width, features }: Extract<Step, { step: "ensemble" }>,
  steps: readonly Step[],
  runners: readonly EnsembleRunner[],
): RunStep => {
  const runner = runners[ensemble];
  if (runner === undefined || runner.featureCount !== features.length || runner.width !== width)
    throw new TypeError(`the graph's ensemble ${ensemble} has no runner of its shape`);
  const writeFeatures = createFeatureWriter(features, steps);
  return (run) => {
    const { rows } = run;
    const values = new Float32Array(rows * width);
    for (let start = 0; start < rows; start += runner.maxRows) {
      const count = Math.min(runner.maxRows, rows - start);
      writeFeatures((step) => getColumn(run, step), runner.features(count), start, count);
      values.set(runner.run(count), start * width);
    }
    return { values, width };
  };
};

const toRule = (rule: Extract<Step, { step: "scores" }>["rule"]) => ({
  ...rule,
  base: rule.base.map((value) => Number(value)),
});

const prepareStep = (step: Step, steps: readonly Step[], runners: readonly EnsembleRunner[]): RunStep => {
  switch (step.step) {
    case "input": {
      const { input, element } = step;
      return ({ inputs }) => {
        const column = inputs[input];
        if (column === undefined) throw new TypeError(`the graph has no input ${input}`);
        return { values: column.values, offset: element, stride: column.stride };
      };
    }
    case "constant": {
      const values = toTable([step.value], step.type);
      return () => ({ values, offset: 0, stride: 0 });
    }
    case "convert": {
      const { column, type } = step;
      return (run) => runConversion(getColumn(run, column), type, run.rows);
    }
    case "arithmetic": {
      const { operation, type, left, right } = step;
      return (run) => runArithmetic(operation, type, getColumn(run, left), getColumn(run, right), run.rows);
    }
    case "compare": {
      const { comparison, left, right } = step;
      return (run) => runComparison(comparison, getColumn(run, left), getColumn(run, right), run.rows);
    }
    case "function": {
      const { function: name, type, column } = step;
      return (run) => runFunction(name, type, getColumn(run, column), run.rows);
    }
    case "choose": {
      const { condition, yes, no, type } = step;
      return (run) =>
        runChoice(getColumn(run, condition), getColumn(run, yes), getColumn(run, no), type, run.rows);
    }
    case "map":
      return prepareMap(step);
    case "one-hot": {
      // One feature of an ensemble of one feature.
      const write = createFeatureWriter([0], [step]);
      return (run) => {
        const data = new Float32Array(run.rows);
        write((column) => getColumn(run, column), data, 0, run.rows);
        return wrapColumn(data);
      };
    }
    case "look-up": {
      const { column, type, table } = step;
      const values = toTable(table, type);
      return (run) => {
        return gather(values, toPlaces(getColumn(run, column), run.rows));
      };
    }
    case "extreme":
      return prepareExtreme(step);
    case "ensemble":
      return prepareEnsemble(step, steps, runners);
    case "transform": {
      const { matrix, transform } = step;
      return (run) =>
        changeMatrix(getMatrix(run, matrix), (values) => transformRows(values, step.width, transform));
    }
    case "scores": {
      const { matrix } = step;
      const rule = toRule(step.rule);
      return (run) => changeMatrix(getMatrix(run, matrix), (values) => scoreRows(values, rule));
    }
    case "label": {
      const { matrix } = step;
      const rule = toRule(step.rule);
      const table = toTable(step.labels, step.type);
      return (run) => gather(table, labelRows(getMatrix(run, matrix).values.slice(), rule));
    }
    case "part": {
      const { matrix, column } = step;
      return (run) => {
        const { values, width } = getMatrix(run, matrix);
        return { values, offset: column, stride: width };
      };
    }
    default:
      return step satisfies never;
  }
};

/** The steps that these outputs need, in order. An ensemble reads the sources of one-hot features itself. */
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
      waiting.push(step.step === "ensemble" && feature?.step === "one-hot" ? feature.column : source);
    }
  }
  return [...needed].sort((one, other) => one - other);
};

/** Where all columns are one matrix in order, its values are the output as they are. */
const findWholeMatrix = ({ columns }: CompiledOutput, steps: readonly Step[]): StepIndex | undefined => {
  const [first] = columns;
  const start = first === undefined ? undefined : steps[first];
  if (start?.step !== "part") return undefined;
  const made = steps[start.matrix];
  const isWhole =
    made !== undefined &&
    "width" in made &&
    made.width === columns.length &&
    columns.every((column, index) => {
      const step = steps[column];
      return step?.step === "part" && step.matrix === start.matrix && step.column === index;
    });
  return isWhole ? start.matrix : undefined;
};

const multiply = (sizes: readonly (number | "rows")[]): number =>
  sizes.reduce<number>((product, size) => product * (size === "rows" ? 1 : size), 1);

const copyColumn = (
  { values, offset, stride }: Column,
  data: ColumnData,
  { first, step, rows }: { readonly first: number; readonly step: number; readonly rows: number },
): void => {
  const copy = <Element>(source: ArrayLike<Element>, target: { [index: number]: Element }): void => {
    for (let row = 0; row < rows; row++) {
      const element = source[offset + row * stride];
      if (element !== undefined) target[first + row * step] = element;
    }
  };
  if (Array.isArray(values) && Array.isArray(data)) copy(values, data);
  else if (values instanceof BigInt64Array && data instanceof BigInt64Array) copy(values, data);
  else if (
    !Array.isArray(values) &&
    !Array.isArray(data) &&
    !(values instanceof BigInt64Array) &&
    !(data instanceof BigInt64Array)
  )
    copy(values, data);
  else throw new TypeError("an output has columns of two types");
};

/** Assembles an output from its columns. */
const prepareOutput = (output: CompiledOutput, steps: readonly Step[]) => {
  const { dims, columns, type } = output;
  const axis = dims.indexOf("rows");
  const after = multiply(dims.slice(axis + 1));
  const whole = axis === 0 ? findWholeMatrix(output, steps) : undefined;
  return (run: Run): CompiledResult => {
    const { rows } = run;
    const shape = dims.map((size) => (size === "rows" ? rows : size));
    if (whole !== undefined) return { data: getMatrix(run, whole).values, dims: shape };
    const [only] = columns;
    if (columns.length === 1 && only !== undefined) {
      const { values, stride } = getColumn(run, only);
      if (stride === 1 && values.length === rows) return { data: values, dims: shape };
    }
    const data = allocateColumn(type, rows * columns.length);
    for (const [index, column] of columns.entries())
      copyColumn(getColumn(run, column), data, {
        first: Math.floor(index / after) * after * rows + (index % after),
        step: after,
        rows,
      });
    return { data, dims: shape };
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

/** Checks the feeds against the graph's inputs, which the compiler made matrices or columns. */
const openInputs = (
  graph: CompiledGraph,
  feeds: Readonly<Record<string, CompiledFeed>>,
): { readonly rows: number; readonly inputs: readonly Column[] } => {
  let rows: number | undefined;
  const inputs = graph.inputs.map((input): Column => {
    if (input.kind !== "tensor") return fail(`the graph's input ${input.name} is no tensor`);
    const feed = feeds[input.name];
    if (feed === undefined) return fail(`the graph's input ${input.name} has no value`);
    const { type, data, dims } = feed;
    if (type !== input.type || !isColumnData(data, type))
      return fail(`the graph takes an input as ${input.type}, it got ${type}`);
    const sizes = input.shape?.slice(1) ?? [];
    if (dims.length !== sizes.length + 1 || sizes.some((size, axis) => size !== dims[axis + 1]))
      return fail(`the graph takes ${input.name} with other dimensions, it got [${dims.join(", ")}]`);
    const [count = 0, ...width] = dims;
    if (count < 1 || (rows !== undefined && rows !== count))
      return fail("the graph's inputs have different numbers of rows");
    rows = count;
    const stride = width.reduce((product, size) => product * size, 1);
    if (data.length !== count * stride)
      return fail(`the graph takes ${input.name} with ${count * stride} elements, it got ${data.length}`);
    return { values: data, offset: 0, stride };
  });
  return { rows: rows ?? fail("the graph got no rows"), inputs };
};

/**
 * Opens a compiled graph. It answers as onnxruntime does: the same names, types, dimensions and labels, and numbers within
 * 1e-6 × max(1, |y|).
 * @param runners one for each ensemble, in their order
 */
export const runGraph = (graph: CompiledGraph, runners: readonly EnsembleRunner[]): RunGraph => {
  const { steps, outputs, results } = graph;
  const prepared = new Map<StepIndex, RunStep>();
  const prepare = (names: readonly string[]) => {
    const chosen = names.map((name) => {
      const result = results[outputs.findIndex((output) => output.name === name)];
      return result ?? fail(`the graph has no output ${name}`);
    });
    if (chosen.length === 0) fail("the graph has no output that a prediction can be read from");
    const needed = listNeededSteps(steps, chosen);
    for (const index of needed) {
      const step = steps[index];
      if (step !== undefined && !prepared.has(index)) prepared.set(index, prepareStep(step, steps, runners));
    }
    return {
      program: needed.flatMap((index) => {
        const run = prepared.get(index);
        return run === undefined ? [] : [{ index, run }];
      }),
      assemble: chosen.map((output) => prepareOutput(output, steps)),
    };
  };
  const programs = new Map<string, ReturnType<typeof prepare>>();
  return (feeds, names) => {
    const key = JSON.stringify(names);
    let program = programs.get(key);
    if (program === undefined) {
      program = prepare(names);
      programs.set(key, program);
    }
    const run: Run = { ...openInputs(graph, feeds), registers: new Array<Register>(steps.length) };
    for (const { index, run: runStep } of program.program) run.registers[index] = runStep(run);
    return program.assemble.map((assemble) => assemble(run));
  };
};
