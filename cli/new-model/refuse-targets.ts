import { NewModelRefused } from "./new-model-refused.ts";
import type { TaskEvidence } from "./task-evidence.ts";

/** Throws NewModelRefused where the caller names targets for a task that has no truth. */
export const refuseTargets = (
  { targets }: Pick<TaskEvidence, "targets">,
  task: "embedding" | "tensors",
): void => {
  if (targets.size > 0)
    throw new NewModelRefused(
      `a model of the task ${task} has no truth to compare with, but --target names ${[...targets.keys()].join(", ")}`,
      "Leave the column out with --ignore <column> in place of --target.",
    );
};
