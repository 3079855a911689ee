import { assertGroup } from "./assert-group.ts";
import { isNumber } from "./csv-cells.ts";
import { NewModelRefused } from "./new-model-refused.ts";
import type { InferredTask, TaskEvidence } from "./task-evidence.ts";

/** The output of a ranker. Throws NewModelRefused without one score, without a group column, or for a target that is no relevance. */
export const inferRanking = ({ outputs, targets, options }: TaskEvidence): InferredTask => {
  const single = outputs.floats.filter(({ width }) => width === 1);
  const [score] = single;
  if (!score || single.length > 1)
    throw new NewModelRefused(
      `a ranking needs one score per row; the graph has ${outputs.floats.map(({ name, width }) => `${name}: ${width} per row`).join(", ") || "no floats"}`,
      "Export the ranker's score alone.",
    );
  const [first] = targets;
  const foreign = first?.[1].find((cell) => !isNumber(cell) || Number(cell) < 0);
  if (first && foreign !== undefined)
    throw new NewModelRefused(
      `the target ${first[0]} has ${JSON.stringify(foreign.slice(0, 40))}, which is no relevance`,
      "A relevance is a number from 0; more relevant rows have higher ones.",
    );
  assertGroup({ task: "ranking", group: options.group }, first !== undefined);
  return {
    task: "ranking",
    output: {
      name: "score",
      graphOutput: score.name,
      ...(options.group === undefined ? {} : { group: options.group }),
      at: 10,
    },
    truth: first ? [first[1]] : [],
    guesses: ["at: NDCG counts the first 10 rows of a group"],
  };
};
