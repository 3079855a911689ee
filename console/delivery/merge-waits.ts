import { readStateWait } from "#domain/delivery/read-state-wait.ts";
import type { StateRun } from "./read-state-runs.ts";

const waitStates: ReadonlySet<string> = new Set(["AwaitProd", "AwaitOpening", "HoldResumedCanary"]);

/** One run from the start of the first to the end of the last. */
const join = (first: StateRun, last: StateRun): StateRun => ({
  ...last,
  from: first.from,
  ms: last.ms === undefined ? undefined : Date.parse(last.from) + last.ms - Date.parse(first.from),
});

/** One wait for people, where the state machine looked again and again whether it is over. */
export const mergeWaits = (runs: readonly StateRun[]): readonly StateRun[] => {
  const merged: StateRun[] = [];
  let waiting: string | undefined;
  let isRepeated = false;
  for (const run of runs) {
    const wait = run.status === "succeeded" ? readStateWait(run.state, run.output) : undefined;
    const isBetween = waiting !== undefined && (waitStates.has(run.state) || run.state.startsWith("Is"));
    if (wait) {
      const place = `${run.state}: ${wait.why}`;
      isRepeated = place === waiting;
      waiting = place;
    } else if (!isBetween) {
      waiting = undefined;
      isRepeated = false;
    }
    const previous = merged.at(-1);
    if (previous && waitStates.has(run.state) && previous.state === run.state) {
      merged[merged.length - 1] = join(previous, run);
      continue;
    }
    const first = isRepeated ? merged.findLastIndex(({ state }) => state === run.state) : -1;
    const before = merged[first];
    if (!isRepeated || before === undefined) merged.push(run);
    else if (waitStates.has(run.state)) merged[first] = join(before, run);
  }
  return merged;
};
