import * as z from "zod";
import type { BreakGlass } from "#domain/approval/break-glass.ts";
import { ApprovalDecision } from "#domain/approval/decision.ts";
import { readStateVerdict } from "#domain/delivery/read-state-verdict.ts";
import { readStateWait } from "#domain/delivery/read-state-wait.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { StateRun } from "./read-state-runs.ts";

const Output = z.record(z.string(), z.unknown());
const readOwn = <Schema extends z.ZodType>(schema: Schema, run: StateRun): z.infer<Schema> | undefined =>
  schema.safeParse(getOwnProperty(Output.safeParse(run.output).data ?? {}, run.state)).data;

type NameOf = (user: string) => string | undefined;

const describeDecision = (run: StateRun, about: string, nameOf: NameOf): string => {
  const decision = readOwn(ApprovalDecision, run);
  if (run.error?.name === "ProdChanged") return "Prod changed: everything is measured again";
  if (!decision) return run.status === "running" ? `Asked the approvers ${about}` : `No decision ${about}`;
  const by = decision.by.map(({ user, name }) => nameOf(user) ?? name).join(", ");
  return `${decision.status === "approved" ? "Approved" : "Rejected"} by ${by}${decision.reason === null ? "" : `: ${decision.reason}`}`;
};

const verdictWords = { pass: "passed", fail: "failed", inconclusive: "inconclusive" } as const;
const withVerdict = (what: string, run: StateRun): string =>
  run.verdict === undefined ? what : `${what}: ${verdictWords[run.verdict]}`;

const closedBefore = "Prod closed before it had any traffic";

const whileRunning = (now: string, past: string) => (run: StateRun) =>
  run.status === "running" ? now : past;

type Describe = (run: StateRun, nameOf: NameOf, breakGlass: BreakGlass | null) => string;

/** A wait that a person ended is none after which prod opened. */
const describeOpening: Describe = ({ status, from, ms }, nameOf, breakGlass) => {
  if (status === "running") return "Waits until prod opens";
  const since = Date.parse(from);
  return breakGlass && since <= breakGlass.at && breakGlass.at <= since + (ms ?? 0)
    ? `Waited for prod to open, until ${nameOf(breakGlass.user) ?? breakGlass.name} let it change prod nevertheless`
    : "Waited until prod opened";
};

/** What a state did, in words for people; undefined: it only routes, so the page leaves it out. */
const sentences: ReadonlyMap<string, Describe> = new Map<string, Describe>(
  Object.entries({
    ClaimStage: () => "Claimed stage",
    BuildImage: () => "Built the image",
    ScanImage: (run) => {
      const omitted = readStateVerdict(run.state, run.output)?.omitted;
      return omitted === undefined
        ? withVerdict("Scanned the image", run)
        : `The image was not checked: ${omitted.map(({ why }) => why).join("; ")}`;
    },
    RegisterModel: (run) => {
      const output = readOwn(z.object({ status: z.string(), version: z.int() }), run);
      if (!output) return "Registered the version";
      return output.status === "unchanged"
        ? `Prod already serves this image as version ${output.version}`
        : `Registered version ${output.version}`;
    },
    DeployStage: () => "Deployed to stage",
    VerifyStage: (run) => withVerdict("Measured on stage", run),
    RequestApproval: (run, nameOf) => describeDecision(run, "about production", nameOf),
    ClaimProd: (run) => {
      const wait = readStateWait(run.state, run.output);
      if (wait) return `${wait.why.charAt(0).toUpperCase()}${wait.why.slice(1)}`;
      const output = readOwn(z.object({ status: z.string() }), run);
      return output?.status === "stale" ? "Prod changed: everything is measured again" : "Claimed prod";
    },
    AwaitProd: whileRunning("Waits for prod", "Waited for prod"),
    AwaitOpening: describeOpening,
    HoldResumedCanary: whileRunning(
      "Keeps the canary's share until prod opens",
      "Kept the canary's share until prod opened",
    ),
    DeployProd: () => "Deployed to prod, without traffic",
    ShiftTraffic: (run) => {
      if (run.error?.name === "ProdClosed") return closedBefore;
      const output = readOwn(z.object({ share: z.number() }), run);
      return output ? `Gave it ${output.share} % of prod's traffic` : "Shifted traffic";
    },
    Bake: () => "Let live traffic reach it",
    JudgeCanary: (run) => withVerdict("Judged the canary", run),
    RequestCanaryApproval: (run, nameOf) => describeDecision(run, "about the inconclusive canary", nameOf),
    ResumeCanary: (run) => withVerdict("Judged the canary once more", run),
    PromoteModel: (run) =>
      run.error?.name === "ProdClosed" ? closedBefore : "Gave it all of prod's traffic",
    MoveChampion: () => "Moved the registry's aliases",
    RollBack: () => "Put everything back",
    ReportOutcome: () => "Reported the outcome",
  } satisfies Record<string, Describe>),
);

/**
 * @param nameOf the display name of a Slack user; undefined: as the decision has it
 * @param breakGlass who let the delivery change prod although prod was closed; null: nobody
 */
export const describeRun = (
  run: StateRun,
  nameOf: NameOf,
  breakGlass: BreakGlass | null = null,
): string | undefined => {
  const describe = sentences.get(run.state);
  // Its error is the one that its state before it had.
  if (run.state === "DeliveryFailed") return undefined;
  // A state without a sentence matters only where it failed or waits.
  if (!describe) return run.status === "succeeded" ? undefined : run.state;
  return describe(run, nameOf, breakGlass);
};
