import type { Step, StepIndex } from "./compiled-graph.ts";

/** The step with other sources in place of those that it reads. */
export const mapStepSources = (step: Step, map: (source: StepIndex) => StepIndex): Step => {
  switch (step.step) {
    case "input":
    case "constant":
      return step;
    case "convert":
    case "function":
    case "map":
    case "category":
    case "look-up":
      return { ...step, column: map(step.column) };
    case "one-hot":
      return { ...step, category: map(step.category) };
    case "arithmetic":
    case "compare":
      return { ...step, left: map(step.left), right: map(step.right) };
    case "choose":
      return { ...step, condition: map(step.condition), yes: map(step.yes), no: map(step.no) };
    case "extreme":
      return { ...step, columns: step.columns.map(map) };
    case "ensemble":
    case "dense":
      return { ...step, features: step.features.map(map) };
    case "transform":
    case "scores":
    case "label":
    case "part":
      return { ...step, matrix: map(step.matrix) };
    default:
      return step satisfies never;
  }
};

/** The steps that a step reads. */
export const listStepSources = (step: Step): readonly StepIndex[] => {
  const sources: StepIndex[] = [];
  mapStepSources(step, (source) => {
    sources.push(source);
    return source;
  });
  return sources;
};
