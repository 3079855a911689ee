/** The content of a delivery's page, from its execution and history. */
import { z } from "zod";
import { ApprovalDecision } from "#domain/approval/decision.ts";
import { Outcome } from "#domain/delivery/outcomes.ts";
import { CaughtError } from "#domain/delivery/parse-caught-error.ts";
import { Check, Verdict } from "#domain/gates/verdict.ts";
import type { Execution, StateEvent } from "#platform/deliveries/deliveries.ts";
import { DeliveryInput } from "#statemachine/contracts.ts";
import { remedies } from "#statemachine/remedies.ts";
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
};

export type DeliveryFacts = {
  readonly name: string;
  readonly status: Execution["status"];
  readonly outcome: Outcome | undefined;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  readonly input: DeliveryInput | undefined;
  readonly digest: string | undefined;
  readonly version: number | undefined;
  readonly decision: ApprovalDecision | undefined;
  /** The last one about a canary that proved nothing. */
  readonly canaryDecision: ApprovalDecision | undefined;
  readonly error:
    | { readonly name: string; readonly cause: string; readonly remedy: string | undefined }
    | undefined;
  readonly stateRuns: readonly StateRun[];
  readonly checks: readonly { readonly title: string; readonly checks: readonly Check[] }[];
};

const ChecksOutput = z.object({ checks: z.array(Check) });
/** The fields of the state data that the page shows; an invalid one is left out. */
const Data = z.object({
  outcome: Outcome.optional().catch(undefined),
  error: CaughtError.optional().catch(undefined),
  ScanImage: ChecksOutput.optional().catch(undefined),
  RegisterModel: z.object({ version: z.int(), digest: z.string() }).optional().catch(undefined),
  VerifyStage: ChecksOutput.optional().catch(undefined),
  RequestApproval: ApprovalDecision.optional().catch(undefined),
  RequestCanaryApproval: ApprovalDecision.optional().catch(undefined),
  ShiftTraffic: z.object({ share: z.number() }).optional().catch(undefined),
  JudgeCanary: ChecksOutput.optional().catch(undefined),
  ResumeCanary: ChecksOutput.optional().catch(undefined),
  RollBack: z
    .object({ error: z.object({ name: z.string(), cause: z.string() }).nullable() })
    .optional()
    .catch(undefined),
});
type Data = z.infer<typeof Data>;
const readStateData = (value: unknown): Data => Data.safeParse(value).data ?? {};

const StateData = z.record(z.string(), z.unknown());
const VerdictOutput = z.looseObject({ verdict: Verdict });
const readVerdict = (event: StateEvent): Verdict | undefined =>
  VerdictOutput.safeParse(getOwnProperty(StateData.safeParse(event.output).data ?? {}, event.state)).data
    ?.verdict;

const readStateRuns = (history: readonly StateEvent[]): StateRun[] => {
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
      });
    else if (open !== undefined && event.status === "retried")
      runs[at] = { ...open, retries: open.retries + 1, error: event.error };
    else if (open !== undefined)
      runs[at] = {
        ...open,
        ms: event.ms,
        status: event.status === "succeeded" ? "succeeded" : "failed",
        verdict: readVerdict(event),
        error: event.error,
      };
    else if (event.status === "caught") {
      // The engine reports the failure and its catch; both belong to one run.
      const failed = runs.findLastIndex((run) => run.state === event.state);
      const before = runs[failed];
      if (before !== undefined) runs[failed] = { ...before, error: before.error ?? event.error };
    }
  }
  return runs;
};

const readChecks = (history: readonly StateEvent[]): DeliveryFacts["checks"] => {
  const groups = new Map<string, readonly Check[]>();
  let looks = 0;
  for (const event of history) {
    if (event.status !== "succeeded") continue;
    const data = readStateData(event.output);
    if (event.state === "ScanImage" && data.ScanImage) groups.set("Image scan", data.ScanImage.checks);
    if (event.state === "VerifyStage" && data.VerifyStage) groups.set("On stage", data.VerifyStage.checks);
    if (event.state === "JudgeCanary" && data.JudgeCanary)
      groups.set(
        `Canary check ${++looks} at ${data.ShiftTraffic?.share ?? "?"} % of prod`,
        data.JudgeCanary.checks,
      );
    if (event.state === "ResumeCanary" && data.ResumeCanary)
      groups.set(
        `Canary check ${++looks} at ${data.ShiftTraffic?.share ?? "?"} % of prod, after the approvers' decision`,
        data.ResumeCanary.checks,
      );
  }
  return [...groups].map(([title, checks]) => ({ title, checks }));
};

/** @param history oldest event first */
export const readDeliveryFacts = (execution: Execution, history: readonly StateEvent[]): DeliveryFacts => {
  const last = readStateData(
    execution.output ?? history.findLast((event) => event.output !== undefined)?.output,
  );
  const runs = readStateRuns(history);
  const error =
    last.RollBack?.error ??
    execution.error ??
    (last.error === undefined ? undefined : { name: last.error.Error, cause: last.error.Cause });
  const known = new Map<string, string>(Object.entries(remedies));
  return {
    name: execution.name,
    status: execution.status,
    outcome:
      execution.status === "RUNNING" ? undefined : execution.status === "SUCCEEDED" ? last.outcome : "failed",
    startedAt: execution.startedAt,
    endedAt: execution.endedAt,
    input: DeliveryInput.safeParse(execution.input).data,
    digest: last.RegisterModel?.digest,
    version: last.RegisterModel?.version,
    decision: last.RequestApproval,
    canaryDecision: last.RequestCanaryApproval,
    error:
      error && execution.status !== "SUCCEEDED" ? { ...error, remedy: known.get(error.name) } : undefined,
    stateRuns:
      execution.status === "RUNNING"
        ? runs
        : // The end of the execution ended this state too.
          runs.map((run) => (run.status === "running" ? { ...run, status: "failed" as const } : run)),
    checks: readChecks(history),
  };
};
