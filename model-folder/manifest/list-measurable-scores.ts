/** The scores of each task, by any of its outputs. */
export const taskScores = {
  classification: ["accuracy", "auc"],
  regression: ["mae", "rmse", "pinball", "coverage"],
  multilabel: ["f1Micro", "f1Macro"],
  multioutput: ["accuracy"],
  anomaly: ["accuracy", "auc", "f1"],
  clustering: ["accuracy"],
  ranking: ["ndcg"],
  embedding: [],
  entities: ["accuracy", "f1Micro"],
  tensors: [],
} as const;

/** A gate on a score that needs the truth of each row. */
export type ScoreName = (typeof taskScores)[keyof typeof taskScores][number];

type Described = { readonly task: keyof typeof taskScores; readonly output: object };

/** The scores that can be measured on this model's predictions; auc too where no label is positive. */
export const listMeasurableScores = ({ task, output }: Described): readonly ScoreName[] => {
  if (task !== "regression") return taskScores[task];
  if ("quantiles" in output && output.quantiles !== undefined) return ["pinball", "coverage"];
  return "deviation" in output && output.deviation !== undefined
    ? ["mae", "rmse", "coverage"]
    : ["mae", "rmse"];
};

/** The scores that the manifest has gates for; none: the model may come without truth. */
export const listGatedScores = ({
  gates,
}: {
  readonly gates: Readonly<Partial<Record<ScoreName, unknown>>>;
}): readonly ScoreName[] => scoreNames.filter((name) => gates[name] !== undefined);

/** All scores, each once. */
export const scoreNames: readonly ScoreName[] = [...new Set(Object.values(taskScores).flat())];
