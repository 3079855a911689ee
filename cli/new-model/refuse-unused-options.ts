import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { TaskOptions } from "./task-evidence.ts";

/** The tasks that an option says something about. */
const uses: Readonly<
  Record<
    Exclude<keyof TaskOptions, "task">,
    { readonly flag: string; readonly tasks: readonly Manifest["task"][] }
  >
> = {
  labels: { flag: "--labels", tasks: ["classification", "entities", "clustering"] },
  positive: { flag: "--positive", tasks: ["classification", "anomaly"] },
  group: { flag: "--group", tasks: ["ranking"] },
  quantiles: { flag: "--quantiles", tasks: ["regression"] },
  pooling: { flag: "--pooling", tasks: ["embedding"] },
  normalize: { flag: "--normalize", tasks: ["embedding"] },
  scores: { flag: "--scores", tasks: ["classification", "multilabel"] },
};

/** Throws NewModelRefused for an option that has no effect on the task: its caller expects another model. */
export const refuseUnusedOptions = (options: TaskOptions, task: Manifest["task"]): void => {
  for (const name of [
    "labels",
    "positive",
    "group",
    "quantiles",
    "pooling",
    "normalize",
    "scores",
  ] as const) {
    const { flag, tasks } = uses[name];
    if (options[name] !== undefined && !tasks.includes(task))
      throw new NewModelRefused(
        `${flag} has no effect: the model is taken for the task ${task}`,
        `Leave ${flag} out, or say what the model does with --task (${tasks.join(", ")})${name === "group" ? "; --ignore leaves a column out of the inputs" : ""}.`,
      );
  }
};
