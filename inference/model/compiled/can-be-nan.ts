import type { StepIndex, Transform } from "./compiled-graph.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { TreeEnsemble } from "./tree-ensemble.ts";

/** The sum of the largest weights of all trees: below it no sum can overflow, and none is infinity minus infinity. */
const maxSum = 3e38;
const areSumsFinite = ({ trees, base }: TreeEnsemble): boolean => {
  let most = base.reduce((sum, value) => sum + Math.abs(value), 0);
  for (const { leafWeight } of trees)
    most += leafWeight.reduce((greatest, weight) => Math.max(greatest, Math.abs(weight)), 0);
  return most < maxSum;
};

type Builder = Pick<GraphBuilder, "getStep" | "ensembles">;

/** softmax-zero divides by zero where all numbers are near zero. */
const canMatrixBeNan = (builder: Builder, matrix: StepIndex, transform: Transform): boolean =>
  transform === "softmax-zero" || canBeNan(builder, matrix);

/**
 * Whether a column's values may be NaN. A missing number is NaN, and so are some results of arithmetic; only columns for
 * which the rules know better are false.
 */
export const canBeNan = (builder: Builder, column: StepIndex): boolean => {
  const step = builder.getStep(column);
  switch (step.step) {
    case "one-hot":
    case "compare":
      return false;
    case "constant":
      return step.value === "NaN";
    case "map":
      return [...step.values, step.fallback].includes("NaN");
    case "convert":
      return step.type !== "bool" && step.type !== "int64" && canBeNan(builder, step.column);
    case "part":
      return canBeNan(builder, step.matrix);
    case "ensemble": {
      const ensemble = builder.ensembles[step.ensemble];
      return ensemble === undefined || !areSumsFinite(ensemble);
    }
    case "transform":
      return canMatrixBeNan(builder, step.matrix, step.transform);
    case "scores":
      return canMatrixBeNan(builder, step.matrix, step.rule.transform);
    case "arithmetic":
      return (
        (step.operation !== "minimum" && step.operation !== "maximum") ||
        canBeNan(builder, step.left) ||
        canBeNan(builder, step.right)
      );
    default:
      return true;
  }
};
