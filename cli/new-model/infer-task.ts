import { inferAnomaly, isAnomalyGraph } from "./infer-anomaly.ts";
import { findClusterKind, inferClustering } from "./infer-clustering.ts";
import { inferDistribution } from "./infer-distribution.ts";
import { inferMultilabel, isMultilabel } from "./infer-multilabel.ts";
import { inferMultioutput, isMultioutput } from "./infer-multioutput.ts";
import { inferRanking } from "./infer-ranking.ts";
import { inferRowEmbedding } from "./infer-row-embedding.ts";
import { holdsTensors, inferTensors } from "./infer-tensors.ts";
import { inferWithoutTruth } from "./infer-without-truth.ts";
import type { InferredTask, TaskEvidence } from "./task-evidence.ts";

const countValues = ({ targets }: TaskEvidence): number => new Set([...targets.values()][0]).size;

const recognize = (evidence: TaskEvidence): InferredTask | undefined => {
  const { options, targets } = evidence;
  if (options.group !== undefined) return inferRanking(evidence);
  if (isMultilabel(evidence)) return inferMultilabel(evidence);
  if (isMultioutput(evidence)) return inferMultioutput(evidence);
  if (targets.size > 1) return undefined;
  if (isAnomalyGraph(evidence) && countValues(evidence) <= 2) return inferAnomaly(evidence);
  if (targets.size === 0 && holdsTensors(evidence)) return inferTensors(evidence);
  const clusters = findClusterKind(evidence);
  if (clusters === "distances" || (clusters === "probabilities" && targets.size === 0))
    return inferClustering(evidence);
  return inferDistribution(evidence) ?? (targets.size === 0 ? inferWithoutTruth(evidence) : undefined);
};

/**
 * The output of the caller's task, or of the task that graph, rows and targets show. Undefined for a classification or a
 * plain regression. Throws NewModelRefused where graph or target do not fit the task.
 */
export const inferTask = (evidence: TaskEvidence): InferredTask | undefined => {
  switch (evidence.options.task) {
    case "anomaly":
      return inferAnomaly(evidence);
    case "clustering":
      return inferClustering(evidence);
    case "multilabel":
      return inferMultilabel(evidence);
    case "ranking":
      return inferRanking(evidence);
    case "multioutput":
      return inferMultioutput(evidence);
    case "tensors":
      return inferTensors(evidence);
    case "regression":
      return (
        inferDistribution(evidence) ?? (evidence.targets.size === 0 ? inferWithoutTruth(evidence) : undefined)
      );
    case "classification":
      return evidence.targets.size === 0 ? inferWithoutTruth(evidence) : undefined;
    case "embedding":
      return inferRowEmbedding(evidence);
    case undefined:
      return recognize(evidence);
    default:
      return undefined;
  }
};
