import * as z from "zod";
import { parseCaughtError } from "#domain/delivery/parse-caught-error.ts";
import { Verdict } from "#domain/gates/verdict.ts";
import type { StateEvent } from "#platform/deliveries/deliveries.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** One run of a state. */
export type StateRun = {
  readonly state: string;
  /** ISO 8601. */
  readonly from: string;
  /** Milliseconds; undefined while it runs. */
  readonly ms: number | undefined;
  readonly status: "running" | "succeeded" | "failed";
  /** The state's verdict, where it has one. */
  readonly verdict: Verdict | undefined;
  readonly retries: number;
  readonly error: { readonly name: string; readonly cause: string } | undefined;
  /** All data of the execution after it. */
  readonly output: StateEvent["output"];
};

const StateData = z.record(z.string(), z.unknown());
const VerdictOutput = z.looseObject({ verdict: Verdict });
const readVerdict = (event: StateEvent): Verdict | undefined =>
  VerdictOutput.safeParse(getOwnProperty(StateData.safeParse(event.output).data ?? {}, event.state)).data
    ?.verdict;

/** Lambda's JSON becomes the message in it. */
const readError = ({ error }: StateEvent): StateRun["error"] =>
  error && parseCaughtError({ Error: error.name, Cause: error.cause });

/**
 * The runs of the states in the order of their start: a retried state is one run, one that is entered again is a second.
 * @param history oldest event first
 * @param ended the end of the execution ended what still ran
 */
export const readStateRuns = (history: readonly StateEvent[], ended: boolean): readonly StateRun[] => {
  const runs: StateRun[] = [];
  for (const event of history) {
    const open = runs.findLast((run) => run.state === event.state && run.status === "running");
    const at = open === undefined ? -1 : runs.lastIndexOf(open);
    if (event.status === "entered")
      runs.push({
        state: event.state,
        from: event.at,
        ms: undefined,
        status: "running",
        verdict: undefined,
        retries: 0,
        error: undefined,
        output: undefined,
      });
    else if (open !== undefined && event.status === "retried")
      runs[at] = { ...open, retries: open.retries + 1, error: readError(event) };
    else if (open !== undefined)
      runs[at] = {
        ...open,
        ms: event.ms,
        status: event.status === "succeeded" ? "succeeded" : "failed",
        verdict: readVerdict(event),
        error: readError(event),
        output: event.output,
      };
    else if (event.status === "caught") {
      // The engine reports the failure and its catch; both belong to one run.
      const failed = runs.findLastIndex((run) => run.state === event.state);
      const before = runs[failed];
      if (before !== undefined) runs[failed] = { ...before, error: before.error ?? readError(event) };
    }
  }
  return ended
    ? runs.map((run) => (run.status === "running" ? { ...run, status: "failed" as const } : run))
    : runs;
};
