import { NewModelRefused } from "./new-model-refused.ts";
import { refuseTargets } from "./refuse-targets.ts";
import type { InferredTask, TaskEvidence } from "./task-evidence.ts";

/** An embedding of a table's rows: the graph's one float output with several numbers per row. Throws NewModelRefused. */
export const inferRowEmbedding = (evidence: TaskEvidence): InferredTask => {
  refuseTargets(evidence, "embedding");
  const { graph, outputs, options } = evidence;
  const isVector = (name: string): boolean =>
    graph.outputs.some(
      (value) => value.kind === "tensor" && value.name === name && (value.shape?.length ?? 2) === 2,
    );
  const floats = outputs.floats.filter(({ name }) => isVector(name));
  const wide = floats.filter(({ width }) => width > 1);
  const vectors = wide.find(({ name }) => /embed/i.test(name)) ?? (wide.length === 1 ? wide[0] : undefined);
  if (!vectors)
    throw new NewModelRefused(
      `no single output of the graph has a vector for each row (it has ${floats.map(({ name, width }) => `${name}: ${width} per row`).join(", ") || "no floats"})`,
      "Export the embedding alone, as a tensor [N, dimensions]; or use --task tensors for all outputs.",
    );
  return {
    task: "embedding",
    output: {
      name: "embedding",
      ...(wide.length > 1 ? { graphOutput: vectors.name } : {}),
      dimensions: vectors.width,
      normalize: options.normalize ?? false,
    },
    truth: [],
    guesses: [],
    scoredGuesses:
      options.normalize === undefined
        ? [
            {
              subject: "normalize",
              choice: "false, because the graph does not say whether vectors are divided by their length",
              alternative: "--normalize if Python divides them",
              isDoubtful: false,
            },
          ]
        : [],
  };
};
