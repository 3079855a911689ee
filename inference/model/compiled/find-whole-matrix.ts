import type { Step, StepIndex } from "./compiled-graph.ts";

/** The matrix step whose columns these are, all of them in order; undefined for others. */
export const findWholeMatrix = (
  columns: readonly StepIndex[],
  steps: readonly Step[],
): StepIndex | undefined => {
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
