import type { Gates, Manifest } from "./manifest.ts";

/** A gate on a score that needs the truth of each row. */
export type ScoreName = Exclude<keyof Gates, "latencyP95Ms" | "imageSizeMb" | "vulnerabilities">;

/** The scores of each task, by any of its outputs. */
export const taskScores = {
  classification: ["accuracy", "auc"],
  regression: ["mae", "rmse", "pinball", "coverage"],
  multilabel: ["f1Micro", "f1Macro"],
  multioutput: [],
  anomaly: ["accuracy", "auc", "f1"],
  clustering: ["accuracy"],
  ranking: ["ndcg"],
  embedding: [],
  entities: ["accuracy", "f1Micro"],
  tensors: [],
} as const satisfies Readonly<Record<Manifest["task"], readonly ScoreName[]>>;

type Described = Pick<Manifest, "task"> & { readonly output: object };

/** The scores that can be measured on this model's predictions; auc too where no label is positive. */
export const listMeasurableScores = ({ task, output }: Described): readonly ScoreName[] => {
  if (task !== "regression") return taskScores[task];
  if ("quantiles" in output && output.quantiles !== undefined) return ["pinball", "coverage"];
  return "deviation" in output && output.deviation !== undefined
    ? ["mae", "rmse", "coverage"]
    : ["mae", "rmse"];
};

/** The scores that the manifest has gates for; none: the model may come without truth. */
export const listGatedScores = ({ gates }: Pick<Manifest, "gates">): readonly ScoreName[] => {
  const { latencyP95Ms: _latency, imageSizeMb: _size, vulnerabilities: _findings, ...scores } = gates;
  return scoreNames.filter((name) => scores[name] !== undefined);
};

/** All scores, each once. */
export const scoreNames: readonly ScoreName[] = [...new Set(Object.values(taskScores).flat())];
