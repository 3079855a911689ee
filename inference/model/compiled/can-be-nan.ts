import type { Step, StepIndex } from "./compiled-graph.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { TreeEnsemble } from "./tree-ensemble.ts";

type Builder = Pick<GraphBuilder, "getStep" | "ensembles" | "hasBounds">;

/** Below it no sum of the largest weights of all trees can overflow, so that none is infinity minus infinity. */
const maxSum = 3e38;
const areSumsFinite = ({ trees, base }: TreeEnsemble): boolean => {
  let most = base.reduce((sum, value) => sum + Math.abs(value), 0);
  for (const { leafWeight } of trees)
    most += leafWeight.reduce((greatest, weight) => Math.max(greatest, Math.abs(weight)), 0);
  return most < maxSum;
};

const canMatrixBeNan = (
  { getStep, ensembles }: Pick<Builder, "getStep" | "ensembles">,
  matrix: Step,
): boolean => {
  switch (matrix.step) {
    case "ensemble": {
      const ensemble = ensembles[matrix.ensemble];
      return ensemble === undefined || !areSumsFinite(ensemble);
    }
    case "transform":
    case "scores": {
      const transform = matrix.step === "scores" ? matrix.rule.transform : matrix.transform;
      // It divides by zero where all numbers are near zero.
      return transform === "softmax-zero" || canMatrixBeNan({ getStep, ensembles }, getStep(matrix.matrix));
    }
    default:
      return true;
  }
};

/**
 * Whether a column's values may be NaN. A missing number is NaN, and so are some results of arithmetic; only flags and the
 * numbers of trees are known not to be. A run with sums that are NaN is left to onnxruntime.
 */
export const canBeNan = (builder: Builder, column: StepIndex): boolean => {
  if (builder.hasBounds(column)) return false;
  let step = builder.getStep(column);
  while (step.step === "convert") step = builder.getStep(step.column);
  switch (step.step) {
    case "one-hot":
    case "compare":
    case "extreme":
    case "label":
      return false;
    case "part":
      return canMatrixBeNan(builder, builder.getStep(step.matrix));
    default:
      return true;
  }
};
