import type { ColumnType, Scalar, Step, StepIndex } from "./compiled-graph.ts";
import { listStepSources } from "./list-step-sources.ts";
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
  /** Whether a column is computed from sums, so that a run knows how far it may be from onnxruntime's. */
  hasBounds(step: StepIndex): boolean;
  /** Says that onnxruntime may round this step's numbers in another way, on this processor or another. */
  markRounded(step: StepIndex): void;
  getStep(index: StepIndex): Step;
  readonly steps: readonly Step[];
  readonly ensembles: readonly TreeEnsemble[];
};

/** Exponentials and logarithms differ in the last bit between libraries. */
const isRounded = (step: Step): boolean => {
  switch (step.step) {
    case "function":
      return ["exponential", "logarithm", "sigmoid", "hyperbolic-tangent"].includes(step.function);
    case "transform":
      return step.transform !== "none";
    case "scores":
      return step.rule.transform !== "none";
    default:
      return false;
  }
};

/** Whether a step's result jumps where a number changes in its last bit. */
const jumps = (step: Step): string | undefined => {
  switch (step.step) {
    case "compare":
      return "a comparison";
    case "extreme":
      return "ArgMax or ArgMin";
    case "ensemble":
      return "a tree";
    case "map":
      return "LabelEncoder";
    case "category":
      return "OneHotEncoder";
    case "convert":
      return step.type === "float32" || step.type === "float64" ? undefined : "Cast";
    case "function":
      return step.function === "sign" ? "Sign" : undefined;
    default:
      return undefined;
  }
};

/** Whether a run knows the bounds of a step that takes sums, or checks what the step decides by them. */
const canTakeSums = (step: Step): boolean => {
  switch (step.step) {
    case "dense":
    case "arithmetic":
    case "compare":
    case "extreme":
    case "part":
      return true;
    case "transform":
      return step.transform === "logistic" || step.transform === "softmax";
    case "convert":
      return step.type === "float32" || step.type === "float64";
    case "choose":
      return step.type === "float32" || step.type === "float64";
    case "function":
      return ["negate", "absolute", "exponential", "sigmoid", "hyperbolic-tangent", "sign"].includes(
        step.function,
      );
    default:
      return false;
  }
};
/** Whether a step's result is the same in onnxruntime once its check has passed. */
const decides = (step: Step): boolean =>
  step.step === "compare" ||
  step.step === "extreme" ||
  (step.step === "function" && step.function === "sign");

export const createGraphBuilder = (): GraphBuilder => {
  const steps: Step[] = [];
  const ensembles: TreeEnsemble[] = [];
  const known = new Map<string, StepIndex>();
  const rounded = new Set<StepIndex>();
  const bounded = new Set<StepIndex>();
  const add = (step: Step): StepIndex => {
    const key = JSON.stringify(step);
    const found = known.get(key);
    if (found !== undefined) return found;
    if (steps.length >= maxSteps) throw new NotCompiled(`the graph has more than ${maxSteps} columns`);
    const sources = listStepSources(step);
    const hasRounded = sources.some((source) => rounded.has(source));
    const hasSums = sources.some((source) => bounded.has(source));
    const jump = jumps(step);
    if (hasRounded && jump !== undefined)
      throw new NotCompiled(
        `${jump} decides by numbers that onnxruntime may round in another way, so a label could differ`,
      );
    if (hasRounded && (hasSums || step.step === "dense"))
      throw new NotCompiled("sums depend on numbers that onnxruntime may round in another way");
    if (hasSums && !canTakeSums(step))
      throw new NotCompiled(
        "sums are used otherwise than the rules know, and onnxruntime may round them in another way",
      );
    const index = steps.push(step) - 1;
    known.set(key, index);
    if (step.step === "dense" || (hasSums && !decides(step))) bounded.add(index);
    else if (!hasSums && (hasRounded || isRounded(step))) rounded.add(index);
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
    hasBounds: (step) => bounded.has(step),
    markRounded: (step) => rounded.add(step),
    getStep: (index) => {
      const step = steps[index];
      if (step === undefined) throw new RangeError(`no step ${index}`);
      return step;
    },
  };
};
