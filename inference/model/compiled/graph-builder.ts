import type { ColumnType, Scalar, Step, StepIndex } from "./compiled-graph.ts";
import { NotCompiled } from "./not-compiled.ts";
import type { RowTensor } from "./row-tensor.ts";
import { toScalar } from "./scalars.ts";
import type { TreeEnsemble } from "./tree-ensemble.ts";

const maxSteps = 200_000;

/** What the operators add to while a graph is compiled. Equal steps are one step. */
export type GraphBuilder = {
  add(step: Step): StepIndex;
  addConstant(value: number | bigint | string, type: ColumnType): StepIndex;
  addEnsemble(ensemble: TreeEnsemble): number;
  /** Adds one step for each column, and gives the tensor of them. */
  mapColumns(value: RowTensor, type: ColumnType, create: (column: StepIndex) => Step): RowTensor;
  /** Picks the columns of a matrix step. */
  addParts(matrix: StepIndex, width: number, type: ColumnType): readonly StepIndex[];
  getStep(index: StepIndex): Step;
  readonly steps: readonly Step[];
  readonly ensembles: readonly TreeEnsemble[];
};

export const createGraphBuilder = (): GraphBuilder => {
  const steps: Step[] = [];
  const ensembles: TreeEnsemble[] = [];
  const known = new Map<string, StepIndex>();
  const add = (step: Step): StepIndex => {
    const key = JSON.stringify(step);
    const found = known.get(key);
    if (found !== undefined) return found;
    if (steps.length >= maxSteps) throw new NotCompiled(`the graph has more than ${maxSteps} columns`);
    const index = steps.push(step) - 1;
    known.set(key, index);
    return index;
  };
  return {
    steps,
    ensembles,
    add,
    addConstant: (value, type) => {
      const scalar: Scalar = toScalar(value);
      return add({ step: "constant", type, value: scalar });
    },
    addEnsemble: (ensemble) => ensembles.push(ensemble) - 1,
    mapColumns: (value, type, create) => ({
      ...value,
      type,
      columns: value.columns.map((column) => add(create(column))),
    }),
    addParts: (matrix, width, type) =>
      Array.from({ length: width }, (_, column) => add({ step: "part", type, matrix, column })),
    getStep: (index) => {
      const step = steps[index];
      if (step === undefined) throw new RangeError(`no step ${index}`);
      return step;
    },
  };
};
