import type { Approval } from "#domain/approval/approval-records.ts";
import type { BreakGlass } from "#domain/approval/break-glass.ts";
import type { EarlierRejection } from "#domain/approval/earlier-rejection.ts";
import type { BoundContributors } from "#domain/approval/resolve-approvers.ts";
import { findTypedConfirmation, type TypedConfirmation } from "#domain/approval/typed-confirmation.ts";
import type { AuditPlace } from "#domain/audit/audit-entry.ts";
import { type CanaryControl, findHold } from "#domain/canary/canary-control.ts";
import { formatDuration } from "#domain/canary/format-duration.ts";
import type { Hold } from "#domain/changes/holds.ts";
import { isAnsweredHold } from "#domain/changes/is-answered-hold.ts";
import type { DeliveryPeople } from "#domain/delivery/delivery-people.ts";
import type { Outcome, OutcomeRecord } from "#domain/delivery/outcomes.ts";
import type { Comparison } from "#domain/gates/comparison.ts";
import type { Check, Omission } from "#domain/gates/verdict.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import type { Provenance } from "#domain/provenance/verified-provenance.ts";

/** Everything that is stored about a delivery at one moment. Equal facts give equal messages. */
export type MessageFacts = {
  readonly delivery: string;
  /** Every approval that the delivery has requested, oldest first; the last one counts. */
  readonly questions: readonly Approval[];
  /** On prod. */
  readonly deployment: Deployment | undefined;
  /** What people ordered about its canary; absent: it had none. */
  readonly control?: CanaryControl | undefined;
  /** What prod serves now; only read if the delivery has requested an approval. */
  readonly serving: Deployment | undefined;
  /** The person's rollback that interrupted this delivery or took back its promotion: who and why. */
  readonly rolledBack: { readonly by: string; readonly kind: "interrupted" | "taken back" } | undefined;
  readonly ended: OutcomeRecord | undefined;
  /** Its author and owner, where it ended before its question; absent: the question names them, or nobody is known. */
  readonly people?: DeliveryPeople | undefined;
  /** What it waits or waited for because prod was closed; absent: nothing. */
  readonly hold?: Hold | undefined;
  /** Where the audit trail has the newest decision. */
  readonly audit?: AuditPlace | undefined;
  /** Epoch milliseconds, when the facts were read: decides whether an open approval has expired. */
  readonly now: number;
};

type Person = { readonly user: string; readonly name: string };
export type QuestionState =
  | {
      readonly status: "open";
      readonly approval: string;
      readonly expiresAt: number;
      readonly votes: readonly Person[];
      readonly quorum: number;
      /** The rule's approvers who may decide, as known when the approval was requested. */
      readonly approvers: readonly string[];
      /** The rule's approvers who may not decide, and why. */
      readonly leftOut: BoundContributors["leftOut"];
      /** Approvers whose vote waits until Slack shows their address; absent: none. */
      readonly waiting?: readonly Person[];
      /** What prod serves now, if the checks were not measured against it. */
      readonly stale: string | null;
      /** Set where the question is about an inconclusive canary: its share of prod's traffic in percent. */
      readonly canaryPercent: number | null;
      /** What an approver types, because checks are inconclusive; absent: nothing. */
      readonly confirmation?: TypedConfirmation;
    }
  | { readonly status: "approved"; readonly by: readonly Person[]; readonly canaryPercent: number | null }
  | { readonly status: "rejected"; readonly by: readonly Person[]; readonly reason: string | null }
  | { readonly status: "expired" }
  | { readonly status: "withdrawn"; readonly why: string };

/** Everything that the one Slack message of a delivery shows. */
export type MessageState = {
  readonly delivery: string;
  readonly model: string;
  readonly commit: string;
  /** Unverified: a committer can write any name. */
  readonly author: string;
  /** Addresses of the contributors that the approval is bound to; null in records without them. */
  readonly madeBy: readonly string[] | null;
  /** Contributors who are not mapped to a person. */
  readonly unmapped: BoundContributors["unmapped"];
  /** Extra approvals for them. */
  readonly raisedBy: number;
  readonly version: number | null;
  readonly digest: string | null;
  /** What prod served when the checks were measured; null: no champion yet. */
  readonly baseline: string | null;
  /** What prod served then; null: nothing, or the record is old. */
  readonly baselineVersion: number | null;
  /** Rules that this commit loosens, and privileged files that it changes: a warning. */
  readonly changed: readonly string[];
  /** New truth and golden vectors, which every retraining brings. */
  readonly renewed: readonly string[];
  /** First line of the commit's message, unverified; null in old records. */
  readonly subject: string | null;
  readonly links: Approval["evidence"]["links"] | null;
  /** What an approval starts; null: all traffic at once; undefined in old records. */
  readonly rollout: Approval["evidence"]["rollout"];
  /** Stage and prod share an account, so what was proven on stage was not proven apart from prod. */
  readonly trial: boolean;
  /** What approvers said of this commit in an earlier delivery; absent: nobody rejected it. */
  readonly rejectedBefore?: EarlierRejection;
  /** Why the approval was requested again; null: it was requested once. */
  readonly askedAgain: string | null;
  readonly checks: readonly Check[];
  /** How the image was built; null where no provenance was verified. */
  readonly provenance: Provenance | null;
  readonly omitted: readonly Omission[];
  /** Both versions side by side. */
  readonly comparisons: readonly Comparison[];
  readonly question: QuestionState | null;
  /** Earlier decisions of this delivery, oldest first: who let it go to prod, and its canary go on without a verdict. */
  readonly decisions: readonly {
    /** Null: that the version goes to prod; otherwise the canary's share in percent. */
    readonly canaryPercent: number | null;
    readonly by: readonly Person[];
  }[];
  /** What happens on prod now, as a sentence. */
  readonly progress: string | null;
  /** Prod is closed, and the delivery waits; absent: it does not. */
  readonly held?: {
    readonly until: number | null;
    readonly why: string;
    /** The approval whose glass another approver may break, and who may no more. */
    readonly approval: string;
    readonly approvedBy: readonly string[];
    /** Who broke the glass, but Slack has not said yet whether they may; absent: nobody. */
    readonly waiting?: readonly string[];
  };
  /** Who let it change prod although prod was closed; absent: nobody. */
  readonly breakGlass?: BreakGlass;
  /** A canary that is under way, and the buttons that it takes; absent: none. */
  readonly canary?: CanaryState;
  readonly rolledBack: MessageFacts["rolledBack"] | null;
  readonly outcome: Outcome | null;
  /** Promoted, but another version was promoted later, or the model was retired. */
  readonly replaced: boolean;
  readonly error: { readonly name: string; readonly cause: string } | null;
  /** Where the audit trail has the newest decision: who keeps the message has an anchor. Absent: it is not recorded yet. */
  readonly audit?: AuditPlace;
};

type CanaryState = {
  /** The approval whose approvers may give orders. */
  readonly approval: string;
  readonly percent: number;
  readonly heldUntil: number | null;
  readonly isAborting: boolean;
  /** The orders that it takes now, beside an abort: none where the approvers are asked, or it goes on by itself. */
  readonly takes: readonly ("hold" | "end-hold" | "go")[];
};

const labelVersion = (serving: Deployment | undefined) =>
  serving ? `version ${serving.version}` : "no version of this model";

/**
 * What the message of a delivery shows, derived from stored facts alone (rules: docs/approval-message.md). Undefined: the
 * delivery has requested no approval and has not ended, so it has no message.
 */
export const deriveMessageState = (facts: MessageFacts): MessageState | undefined => {
  const { delivery, questions, deployment, serving, ended } = facts;
  const approval = questions.at(-1);
  const subject = approval ?? ended;
  if (!subject) return undefined;
  const outcome = ended?.outcome ?? null;
  const rolledBack = facts.rolledBack ?? null;
  const canary = deployment?.checks ?? [];
  const breakGlass = questions.findLast((question) => question.breakGlass)?.breakGlass;
  const running = approval && describeCanary(approval, facts);
  return {
    delivery,
    model: subject.model,
    commit: subject.commit,
    author: approval?.author.name ?? "",
    madeBy: approval?.contributors?.people ?? null,
    unmapped: approval?.contributors?.unmapped ?? [],
    raisedBy: approval ? countExtraApprovals(approval) : 0,
    version: approval?.version ?? null,
    digest: approval?.digest ?? null,
    baseline: approval?.evidence.champion ?? null,
    baselineVersion: approval?.evidence.championVersion ?? null,
    changed: approval?.evidence.changed ?? [],
    renewed: approval?.evidence.renewed ?? [],
    subject: approval?.evidence.subject ?? null,
    links: approval?.evidence.links ?? null,
    rollout: approval?.evidence.rollout,
    trial: approval?.evidence.trial ?? false,
    ...(approval?.evidence.rejectedBefore && { rejectedBefore: approval.evidence.rejectedBefore }),
    askedAgain: describeRepeatedQuestion(questions.filter(({ canary }) => canary === null)),
    checks: [
      ...(approval?.evidence.checks ?? []).filter(({ name }) => !canary.some((check) => check.name === name)),
      ...canary,
    ],
    provenance: approval?.evidence.provenance ?? null,
    omitted: approval?.evidence.omitted ?? [],
    comparisons: approval?.evidence.comparisons ?? [],
    question: approval ? toQuestionState(approval, facts) : null,
    decisions: approval?.canary ? listDecisions(questions.slice(0, -1)) : [],
    ...(outcome === null && !rolledBack ? describeHold(facts) : {}),
    ...(breakGlass && { breakGlass }),
    progress: outcome === null && !rolledBack ? describeProgress(deployment, facts) : null,
    ...(running && { canary: running }),
    rolledBack,
    outcome,
    replaced: outcome === "promoted" && serving?.sequence !== deployment?.sequence,
    error: ended?.error ?? null,
    ...(facts.audit && { audit: facts.audit }),
  };
};

const describeHold = ({ hold, questions }: MessageFacts): Pick<MessageState, "held"> => {
  const approval = questions.findLast(
    ({ canary, state }) => canary === null && "decision" in state && state.decision.status === "approved",
  );
  if (!hold?.current || !approval || !("decision" in approval.state)) return {};
  if (isAnsweredHold(hold.current, approval.breakGlass)) return {};
  const { until, why } = hold.current;
  const approvedBy = approval.state.decision.by.map(({ user }) => user);
  const waiting = approval.postponedGlass?.map(({ user }) => user);
  return { held: { until, why, approval: approval.id, approvedBy, ...(waiting && { waiting }) } };
};

/** Old records do not store it: there each unmapped contributor adds one, unless authors may approve. */
const countExtraApprovals = ({ raisedBy, rule, contributors }: Approval): number =>
  raisedBy ?? (rule.authorMayApprove ? 0 : (contributors?.unmapped.length ?? 0));

const toQuestionState = (
  approval: Approval,
  { ended, serving, now, rolledBack, deployment }: MessageFacts,
): QuestionState => {
  const { id, state, expiresAt, rule, baseline, contributors, canary, postponed } = approval;
  const confirmation = findTypedConfirmation(approval);
  switch (state.status) {
    // Also before the decision is sent: the buttons must go at once.
    case "decided":
    case "sent": {
      const { status, by, reason } = state.decision;
      return status === "approved"
        ? { status, by, canaryPercent: canary?.percent ?? null }
        : { status, by, reason };
    }
    case "withdrawn":
      return ended?.outcome === "expired"
        ? { status: "expired" }
        : { status: "withdrawn", why: rolledBack ? "prod was rolled back" : state.why };
    case "pending":
      break;
    default:
      state satisfies never;
  }
  if (!ended && canary && deployment?.status === "ended")
    return { status: "withdrawn", why: "prod was rolled back" };
  if (ended && ended.outcome !== "expired")
    return { status: "withdrawn", why: `the delivery ended as ${ended.outcome}` };
  if (ended || now >= expiresAt) return { status: "expired" };
  const leftOut = (contributors?.leftOut ?? []).filter(
    ({ user, why }) => rule.approvers.includes(user) && (!rule.authorMayApprove || why === "guest"),
  );
  return {
    status: "open",
    approval: id,
    expiresAt,
    votes: state.status === "pending" ? state.votes : [],
    quorum: rule.quorum,
    approvers: rule.approvers.filter((user) => !leftOut.some((approver) => approver.user === user)),
    leftOut,
    ...(postponed ? { waiting: postponed.map(({ user, name }) => ({ user, name })) } : {}),
    stale: (serving?.sequence ?? 0) === baseline ? null : labelVersion(serving),
    canaryPercent: canary?.percent ?? null,
    ...(confirmation && { confirmation }),
  };
};

const listDecisions = (questions: readonly Approval[]): MessageState["decisions"] =>
  questions.flatMap(({ canary, state }) =>
    "decision" in state && state.decision.status === "approved"
      ? [{ canaryPercent: canary?.percent ?? null, by: state.decision.by }]
      : [],
  );

const describeRepeatedQuestion = (questions: readonly Approval[]): string | null => {
  if (questions.length < 2) return null;
  const [before, now] = questions.slice(-2);
  const champion = (approval: Approval | undefined) => approval?.evidence.champion ?? "no version";
  return `Prod changed from ${champion(before)} to ${champion(now)} after the first request. Every check ran again; earlier votes do not count.`;
};

const describeCanary = (approval: Approval, facts: MessageFacts): CanaryState | undefined => {
  const { deployment, control, ended, rolledBack, now } = facts;
  if (ended || rolledBack || deployment?.status !== "canary" || !control) return undefined;
  const step = deployment.shares.length - 1;
  const hold = findHold(control, now);
  // Each step is asked about once.
  const isAsked = isStepAsked(facts, step) || control.decided?.next === "ask";
  const isPassed = (control.decided?.step ?? -1) >= step;
  return {
    approval: approval.id,
    percent: deployment.shares.at(-1)?.percent ?? 0,
    heldUntil: hold?.until ?? null,
    isAborting: control.abort !== null,
    takes: [
      ...(isAsked || control.decided?.next === "promote" ? [] : (["hold"] as const)),
      ...(hold ? (["end-hold"] as const) : []),
      ...(hold || isAsked || isPassed || findGo(facts) ? [] : (["go"] as const)),
    ],
  };
};

const isStepAsked = ({ questions }: Pick<MessageFacts, "questions">, step: number): boolean =>
  questions.some(({ canary }) => canary?.step === step);

/** The "go" whose question is not asked yet. */
const findGo = ({ control, deployment, questions }: MessageFacts): CanaryControl["go"] => {
  const go = control?.go ?? null;
  const isCurrent = go?.step === (deployment?.shares.length ?? 0) - 1;
  return go && isCurrent && !isStepAsked({ questions }, go.step) ? go : null;
};

const formatMinute = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** What people ordered, after what happens on prod. */
const describeOrders = (facts: MessageFacts): string => {
  const { control, now, hold: closing } = facts;
  if (!control) return "";
  if (control.abort) return `; ${control.abort.name} aborted it: ${control.abort.reason}`;
  const hold = findHold(control, now);
  if (hold)
    return `; held by ${hold.name} for ${formatDuration(hold.until - hold.at)}, until ${formatMinute(hold.until)}: ${hold.reason}`;
  const go = findGo(facts);
  if (!go) return "";
  return `; ${go.name} asked to let it go on: the approvers are asked ${closing?.current ? "once prod opens" : "at the next round"}`;
};

const describeProgress = (deployment: Deployment | undefined, facts: MessageFacts): string | null => {
  if (!deployment) return null;
  switch (deployment.status) {
    case "canary":
      return `Canary: version ${deployment.version} gets ${deployment.shares.at(-1)?.percent ?? 0} % of prod's traffic${describeOrders(facts)}`;
    case "promoted":
      return `Version ${deployment.version} gets all of prod's traffic`;
    case "promoting":
      return `Prod's traffic is moving to version ${deployment.version}`;
    case "deployed":
    case "ended":
      return null;
    default:
      return deployment.status satisfies never;
  }
};
