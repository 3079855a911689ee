import type { Step, StepIndex } from "./compiled-graph.ts";

/** The steps that a step reads. */
export const listStepSources = (step: Step): readonly StepIndex[] => {
  switch (step.step) {
    case "input":
    case "constant":
      return [];
    case "convert":
    case "function":
    case "map":
    case "category":
    case "look-up":
      return [step.column];
    case "one-hot":
      return [step.category];
    case "arithmetic":
    case "compare":
      return [step.left, step.right];
    case "choose":
      return [step.condition, step.yes, step.no];
    case "extreme":
      return step.columns;
    case "ensemble":
      return step.features;
    case "transform":
    case "scores":
    case "label":
    case "part":
      return [step.matrix];
    default:
      return step satisfies never;
  }
};
