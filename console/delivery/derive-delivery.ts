import * as z from "zod";
import type { BreakGlass } from "#domain/approval/break-glass.ts";
import { ApprovalDecision } from "#domain/approval/decision.ts";
import { findHold } from "#domain/canary/canary-control.ts";
import type { Outcome } from "#domain/delivery/outcomes.ts";
import { Comparison } from "#domain/gates/comparison.ts";
import { Check, Omission } from "#domain/gates/verdict.ts";
import { formatHeadline } from "#domain/message/format-headline.ts";
import { deriveMessageState, type MessageState } from "#domain/message/message-state.ts";
import type { DeliveryRecord } from "#domain/overview/delivery-record.ts";
import { DeliveryInput } from "#statemachine/contracts.ts";
import { explainRemedy } from "#statemachine/explain-remedy.ts";
import { type Box, deriveBoxes } from "./happy-path.ts";
import { mergeBakeRounds } from "./merge-bake-rounds.ts";
import { mergeWaits } from "./merge-waits.ts";
import { readStateRuns, type StateRun } from "./read-state-runs.ts";

type CheckGroup = {
  readonly title: string;
  readonly checks: readonly Check[];
  readonly omitted: readonly Omission[];
};

/** What the page of a delivery says. Times are epoch milliseconds. */
export type DeliveryView = {
  readonly delivery: string;
  readonly model: string;
  readonly version: number | null;
  readonly digest: string | null;
  readonly commit: string;
  readonly author: { readonly name: string; readonly email: string } | null;
  readonly subject: string | null;
  readonly headline: string;
  /** Null: it is under way. */
  readonly outcome: Outcome | null;
  readonly rolledBack: DeliveryRecord["rolledBack"];
  /** Why prod is closed for it now. */
  readonly closed: DeliveryRecord["closed"];
  /** Who let it change prod although prod was closed. */
  readonly breakGlass: BreakGlass | null;
  /** Whether it gave its version a share of prod's traffic, so that its canary has a page. */
  readonly hasCanary: boolean;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly boxes: readonly Box[];
  readonly runs: readonly StateRun[];
  /** What happens now and what comes next; null: it has ended. */
  readonly current: CurrentStep | null;
  /** Null: none, or the delivery was promoted. */
  readonly error: { readonly name: string; readonly cause: string; readonly remedy: string } | null;
  readonly groups: readonly CheckGroup[];
  readonly comparisons: readonly Comparison[];
  readonly baselineVersion: number | null;
  readonly state: MessageState | undefined;
};

export type CurrentStep = {
  readonly state: string;
  readonly since: number;
  /** What it does, as a sentence without an end. */
  readonly doing: string;
  /** When the canary is judged next. */
  readonly judgedAt: number | null;
  /** When the canary's last step is judged, if every judgement is a pass; null too while a person or a closed prod holds it. */
  readonly earliestEndAt: number | null;
  /** Who holds the canary at its share. */
  readonly hold: {
    readonly by: string;
    readonly name: string;
    readonly until: number;
    readonly reason: string;
  } | null;
  /** When this step ends at the latest, and what happens then. */
  readonly end: { readonly at: number; readonly otherwise: string } | null;
};

const ChecksOutput = z.object({
  checks: z.array(Check),
  omitted: z.array(Omission).default([]),
  comparisons: z.array(Comparison).default([]),
});
const optional = <Schema extends z.ZodType>(schema: Schema) => schema.optional().catch(undefined);
/** The fields of the state data that the page shows; an invalid one is left out. */
const Data = z.object({
  ScanImage: optional(ChecksOutput),
  RegisterModel: optional(z.object({ version: z.int(), digest: z.string() })),
  VerifyStage: optional(ChecksOutput),
  RequestApproval: optional(ApprovalDecision),
  ShiftTraffic: optional(z.object({ share: z.number(), bakeSeconds: z.number() })),
  JudgeCanary: optional(ChecksOutput),
  ResumeCanary: optional(ChecksOutput),
});
type Data = z.infer<typeof Data>;
const readStateData = (value: unknown): Data => Data.safeParse(value).data ?? {};

const listCheckGroups = (runs: readonly StateRun[]): readonly CheckGroup[] => {
  const groups = new Map<string, CheckGroup>();
  const add = (title: string, output: z.infer<typeof ChecksOutput> | undefined) =>
    output && groups.set(title, { title, checks: output.checks, omitted: output.omitted });
  let looks = 0;
  for (const { state, status, output } of runs) {
    if (status !== "succeeded") continue;
    const data = readStateData(output);
    const share = `${data.ShiftTraffic?.share ?? "?"} % of prod`;
    if (state === "ScanImage") add("Image scan", data.ScanImage);
    if (state === "VerifyStage") add("On stage", data.VerifyStage);
    if (state === "JudgeCanary" && data.JudgeCanary)
      add(`Canary check ${++looks} at ${share}`, data.JudgeCanary);
    if (state === "ResumeCanary" && data.ResumeCanary)
      add(`Canary check ${++looks} at ${share}, after the approvers' decision`, data.ResumeCanary);
  }
  return [...groups.values()];
};

/** What a running state does, for people. */
const doing: Readonly<Record<string, string>> = {
  ClaimStage: "Claiming stage and checking who may approve",
  BuildImage: "Building the image",
  ScanImage: "Scanning the image",
  AwaitScan: "Waiting for the result of the image's scan",
  RegisterModel: "Registering the model's version",
  DeployStage: "Deploying to stage",
  VerifyStage: "Measuring the version on stage",
  RequestApproval: "Waiting for the approvers",
  ClaimProd: "Claiming prod",
  AwaitProd: "Waiting until prod is free",
  AwaitOpening: "Waiting until prod opens",
  HoldResumedCanary: "The canary keeps its share until prod opens",
  DeployProd: "Deploying to prod, without traffic yet",
  ShiftTraffic: "Shifting traffic",
  Bake: "The canary gets its share of prod's traffic",
  JudgeCanary: "Judging the canary",
  RequestCanaryApproval: "Waiting for the approvers: the canary has no verdict",
  ResumeCanary: "Judging the canary once more",
  PromoteModel: "Moving all traffic to the version",
  MoveChampion: "Moving the registry's aliases",
  RollBack: "Putting everything back",
  ReportOutcome: "Reporting the outcome",
};

/** Steps of the canary after its present share, as the approvers saw them. */
const countLaterSteps = ({ questions }: DeliveryRecord, share: number): number =>
  (questions.find(({ canary }) => canary === null)?.evidence.rollout?.steps ?? []).filter(
    (step) => step > share,
  ).length;

const deriveCurrent = (
  record: DeliveryRecord,
  runs: readonly StateRun[],
  ended: boolean,
  now: number,
): CurrentStep | null => {
  if (ended) return null;
  const running = runs.findLast(({ status }) => status === "running");
  if (!running) return null;
  const since = Date.parse(running.from);
  const question = record.questions.at(-1);
  const data = readStateData(runs.findLast(({ output }) => output !== undefined)?.output);
  const waits = running.state === "RequestApproval" || running.state === "RequestCanaryApproval";
  const bakeMs = (record.bakeSeconds ?? data.ShiftTraffic?.bakeSeconds ?? 0) * 1_000;
  const isExpired = waits && question !== undefined && question.expiresAt <= now;
  const hold = (record.prod?.status === "canary" && record.control && findHold(record.control, now)) || null;
  const isBaking = running.state === "Bake" && data.ShiftTraffic !== undefined;
  // A canary that people hold, or that waits for prod to open, is judged on nothing but failures.
  const isMoving = !hold && !record.closed;
  return {
    state: running.state,
    since,
    doing: isExpired
      ? "The approval expired: the delivery ends within a minute"
      : isBaking
        ? `The canary gets ${data.ShiftTraffic?.share} % of prod's traffic`
        : (new Map(Object.entries(doing)).get(running.state) ?? running.state),
    judgedAt: isBaking && isMoving ? since + bakeMs : null,
    hold,
    earliestEndAt:
      isBaking && isMoving && !record.control?.abort
        ? since + bakeMs * (1 + countLaterSteps(record, data.ShiftTraffic?.share ?? 0))
        : null,
    end:
      isBaking && isMoving && record.canaryEnd && !record.control?.abort
        ? {
            at: record.canaryEnd.at,
            otherwise:
              record.canaryEnd.onInconclusive === "ask"
                ? "the approvers decide whether it goes on without a verdict"
                : "the canary is rolled back",
          }
        : waits && question && !isExpired
          ? {
              at: question.expiresAt,
              otherwise:
                running.state === "RequestApproval"
                  ? "the delivery expires and prod stays as it is"
                  : "the canary is rolled back",
            }
          : null,
  };
};

/**
 * The page of a delivery, from what is stored about it.
 * @param now epoch milliseconds
 */
export const deriveDelivery = (record: DeliveryRecord, now: number): DeliveryView => {
  const { execution, outcome: ended, questions, rolledBack } = record;
  const isOver = ended !== null || (execution !== null && execution.status !== "RUNNING");
  const runs = mergeWaits(mergeBakeRounds(readStateRuns(record.history, isOver)));
  const outcome = ended?.outcome ?? (isOver ? "failed" : null);
  const input = DeliveryInput.safeParse(execution?.input).data;
  const data = readStateData(runs.findLast(({ output }) => output !== undefined)?.output);
  const approval = questions.findLast(({ canary }) => canary === null) ?? questions.at(-1);
  const deployed = record.prod ?? record.stage;
  const version = approval?.version ?? deployed?.version ?? data.RegisterModel?.version ?? null;
  const state = deriveMessageState({
    delivery: record.delivery,
    questions: questions.map((question) => ({ ...question, token: null })),
    deployment: record.prod ?? undefined,
    serving: record.serving ?? undefined,
    rolledBack: rolledBack ?? undefined,
    ended: ended ?? undefined,
    hold: record.hold ?? undefined,
    control: record.control ?? undefined,
    now,
  });
  const cause = ended ? ended.error : isOver ? (execution?.error ?? null) : null;
  const comparisons = data.VerifyStage?.comparisons ?? [];
  return {
    delivery: record.delivery,
    model: record.model,
    version,
    digest: approval?.digest ?? deployed?.digest ?? data.RegisterModel?.digest ?? null,
    commit: input?.commit ?? approval?.commit ?? deployed?.commit ?? ended?.commit ?? "",
    author: input?.author ?? approval?.author ?? null,
    subject: approval?.evidence.subject ?? null,
    headline: state
      ? formatHeadline(state)
      : `${record.model}${version === null ? "" : ` v${version}`} is being delivered`,
    outcome,
    rolledBack,
    closed: record.closed,
    breakGlass: questions.findLast((question) => question.breakGlass)?.breakGlass ?? null,
    hasCanary: (record.prod?.shares ?? []).some(({ percent }) => percent > 0 && percent < 100),
    startedAt: execution ? Date.parse(execution.startedAt) : (record.stage?.startedAt ?? null),
    endedAt: ended?.at ?? (execution?.endedAt === undefined ? null : Date.parse(execution.endedAt)),
    boxes: deriveBoxes(runs, outcome, now),
    runs,
    current: deriveCurrent(record, runs, isOver, now),
    error: cause && outcome === "failed" ? { ...cause, remedy: explainRemedy(cause, record.model) } : null,
    groups: listCheckGroups(runs),
    comparisons: approval?.evidence.comparisons ?? comparisons,
    baselineVersion: approval?.evidence.championVersion ?? null,
    state,
  };
};
