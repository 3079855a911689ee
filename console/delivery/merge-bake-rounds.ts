import * as z from "zod";
import type { StateRun } from "./read-state-runs.ts";

/** A round that judged nothing has no checks. */
const Waiting = z.looseObject({ JudgeCanary: z.looseObject({ checks: z.array(z.unknown()).max(0) }) });

const isWaitingRound = ({ state, status, output }: StateRun): boolean =>
  state === "JudgeCanary" && status === "succeeded" && Waiting.safeParse(output).success;

/**
 * One bake for people, where the state machine waited several rounds so that people's orders act soon: what lies between
 * the first wait and the judgement is left out.
 */
export const mergeBakeRounds = (runs: readonly StateRun[]): readonly StateRun[] => {
  const merged: StateRun[] = [];
  let isWaiting = false;
  for (const run of runs) {
    if (isWaitingRound(run)) isWaiting = true;
    else if (isWaiting && run.state === "Bake") {
      isWaiting = false;
      const first = merged.findLastIndex(({ state }) => state === "Bake");
      const bake = merged[first];
      if (!bake) merged.push(run);
      else
        merged[first] = {
          ...run,
          from: bake.from,
          ms: run.ms === undefined ? undefined : Date.parse(run.from) + run.ms - Date.parse(bake.from),
        };
    } else if (!(isWaiting && run.state === "IsCanarySound")) merged.push(run);
  }
  return merged;
};
