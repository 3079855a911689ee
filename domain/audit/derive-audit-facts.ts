import { pickOrigin } from "#domain/approval/answer-origin.ts";
import type { Approval, Voter } from "#domain/approval/approval-records.ts";
import type { ApprovalDecision } from "#domain/approval/decision.ts";
import type { CanaryOrderRecord } from "#domain/canary/canary-control.ts";
import type { OutcomeRecord } from "#domain/delivery/outcomes.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import type { PolicyEntry } from "#domain/policy/platform-policy.ts";
import { type AuditFact, hashJson, toWellFormedJson } from "./audit-entry.ts";

type PolicyRevision = Pick<PolicyEntry, "revision" | "digest" | "at">;

/** What is stored about one delivery, or about one person's rollback. */
export type DeliveryFacts = {
  readonly delivery: string;
  /** Oldest first. */
  readonly questions: readonly Approval[];
  /** On prod. */
  readonly deployment: Deployment | undefined;
  /** What prod served before this deployment, or what a rollback took back. */
  readonly before: Deployment | undefined;
  readonly ended: OutcomeRecord | undefined;
  /** What people ordered about its canary. */
  readonly orders: readonly CanaryOrderRecord[];
  /** Revisions of the platform's policy, newest first. */
  readonly policies: readonly PolicyRevision[];
  /** Why prod is closed for it; null: it does not wait. */
  readonly closure: string | null;
  /** Epoch milliseconds. */
  readonly now: number;
};

const toTime = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** What the approvers of a question saw, as it is stored beside the trail. */
export const toEvidence = ({ evidence }: Pick<Approval, "evidence">) => toWellFormedJson(evidence);

/** The id under which the trail has the decision of an approval. */
export const toDecisionFact = (approval: string): string => `decision ${approval}`;

const findPolicy = (policies: readonly PolicyRevision[], at: number) => {
  const policy = policies.find((revision) => revision.at <= at);
  return policy ? { revision: policy.revision, digest: policy.digest } : null;
};

const describeQuestion = (approval: Approval, policies: readonly PolicyRevision[]): AuditFact => {
  const { id, delivery, version, contributors, rule, askedAt } = approval;
  const asked = {
    contributors: contributors && {
      people: [...contributors.people],
      unmapped: contributors.unmapped.map(({ identity }) => identity),
    },
    approvers: [...rule.approvers],
    leftOut: contributors?.leftOut.map(({ user }) => user) ?? [],
    quorum: rule.quorum,
    authorMayApprove: rule.authorMayApprove,
    evidence: hashJson(toEvidence(approval)),
  };
  return {
    // A repeated step may find more contributors and ask for more approvals: that is another question.
    fact: `question ${id} ${hashJson(toWellFormedJson(asked)).slice(0, 16)}`,
    delivery,
    version,
    at: toTime(askedAt),
    kind: "question-opened",
    detail: {
      approval: id,
      canary: approval.canary,
      commit: approval.commit,
      digest: approval.digest,
      baseline: approval.baseline,
      fence: approval.fence,
      author: approval.author,
      pusher: approval.pusher,
      ...asked,
      expiresAt: toTime(approval.expiresAt),
      policy: findPolicy(policies, askedAt),
    },
  };
};

const describeVote = (
  { id, delivery, version }: Approval,
  verdict: ApprovalDecision["status"],
  { user, name, at, ...origin }: Voter,
): AuditFact => ({
  fact: `vote ${id} ${user} ${at}`,
  delivery,
  version,
  at,
  kind: "vote",
  detail: {
    ...{ user, name, approval: id, verdict },
    ...pickOrigin(origin),
  },
});

const describeDecision = (
  { id, delivery, version, canary, rule }: Approval,
  { status, by, reason, decidedAt, digest }: ApprovalDecision,
  policies: readonly PolicyRevision[],
): AuditFact => ({
  fact: toDecisionFact(id),
  delivery,
  version,
  at: toTime(decidedAt),
  kind: "decision",
  detail: {
    approval: id,
    canary,
    verdict: status,
    by: by.map(({ user, name, at }) => ({ user, name, at })),
    reason,
    quorum: rule.quorum,
    digest,
    policy: findPolicy(policies, decidedAt),
  },
});

/** How a question ended, if it ended: by a decision, its time, or a withdrawal, which has no stored time. */
const describeEnd = (
  approval: Approval,
  { ended, policies, now }: Pick<DeliveryFacts, "ended" | "policies" | "now">,
  isLast: boolean,
): readonly AuditFact[] => {
  const { id, delivery, version, state, expiresAt } = approval;
  const subject = { delivery, version };
  if (state.status === "decided" || state.status === "sent") {
    const { decision } = state;
    return [
      ...decision.by.map((voter) => describeVote(approval, decision.status, voter)),
      describeDecision(approval, decision, policies),
    ];
  }
  // The sweep withdraws a question whose time is over.
  if (isLast && ended?.outcome === "expired")
    return [
      {
        ...subject,
        fact: `expired ${id}`,
        at: toTime(expiresAt),
        kind: "question-expired",
        detail: { approval: id },
      },
    ];
  if (state.status === "pending")
    return state.votes.map((voter) => describeVote(approval, "approved", voter));
  return [
    {
      ...subject,
      fact: `withdrawn ${id}`,
      at: toTime(now),
      kind: "question-withdrawn",
      detail: { approval: id, reason: state.why },
    },
  ];
};

const describeBreakGlass = (
  { id, delivery, version, breakGlass }: Approval,
  closure: string | null,
): readonly AuditFact[] => {
  if (!breakGlass) return [];
  const { user, name, reason, at, ...origin } = breakGlass;
  return [
    {
      ...{ fact: `break-glass ${id} ${user} ${at}`, delivery, version, at: toTime(at), kind: "break-glass" },
      detail: { user, name, approval: id, reason, closure, ...pickOrigin(origin) },
    },
  ];
};

const toArtefact = (deployment: Deployment | undefined) =>
  deployment ? { version: deployment.version, digest: deployment.digest } : null;

/** What a delivery, or a person's rollback, did to prod. */
const describeDeployment = (deployment: Deployment, before: Deployment | undefined): readonly AuditFact[] => {
  const { sequence, version, digest, promotedAt, reason, takenBackAt } = deployment;
  const subject = { delivery: deployment.delivery, version };
  const artefact = { version, digest, ledgerEntry: sequence };
  const rollback = (
    fact: string,
    at: number,
    by: string | null,
    from: Deployment | undefined,
    to: Deployment | undefined,
  ): AuditFact => ({
    ...subject,
    fact: `${fact} ${sequence}`,
    at: toTime(at),
    kind: "rolled-back",
    detail: { ledgerEntry: sequence, by, from: toArtefact(from), to: toArtefact(to) },
  });
  // Only a person's rollback has a reason.
  if (reason !== null)
    return promotedAt === null ? [] : [rollback("rolled-back", promotedAt, reason, before, deployment)];
  const shares = deployment.shares.flatMap(({ percent, from }, index): AuditFact[] =>
    percent > 0 && percent < 100
      ? [
          {
            ...subject,
            fact: `share ${sequence} ${index}`,
            at: toTime(from),
            kind: "deployed",
            detail: { ...artefact, percent },
          },
        ]
      : [],
  );
  const promotion: AuditFact[] =
    promotedAt === null
      ? []
      : [
          {
            ...subject,
            fact: `promoted ${sequence}`,
            at: toTime(promotedAt),
            kind: "promoted",
            detail: { ...artefact, approvedBy: deployment.approvedBy },
          },
        ];
  return [
    ...shares,
    ...promotion,
    ...(takenBackAt === null ? [] : [rollback("taken-back", takenBackAt, null, deployment, before)]),
  ];
};

const describeOrder = (
  { kind, by, name, at, until, reason, ...origin }: CanaryOrderRecord,
  subject: Pick<AuditFact, "delivery" | "version">,
): AuditFact => ({
  ...subject,
  fact: `canary ${kind} ${by} ${at}`,
  at: toTime(at),
  kind: "canary-order",
  detail: {
    ...{ order: kind, user: by, name, until: until === null ? null : toTime(until), reason },
    ...pickOrigin(origin),
  },
});

/**
 * Everything that a trail holds about a delivery, derived from stored facts alone: whoever finds that the trail lacks a fact
 * records it, after whatever crash. A delivery that neither asked anybody nor changed prod is not in the trail.
 */
export const deriveAuditFacts = (facts: DeliveryFacts): readonly AuditFact[] => {
  const { delivery, questions, deployment, before, ended, orders, policies } = facts;
  if (questions.length === 0 && !deployment) return [];
  const version = questions.at(-1)?.version ?? deployment?.version ?? null;
  const end: AuditFact[] = ended
    ? [
        {
          fact: `ended ${ended.outcome} ${ended.error?.name ?? ""}`.trimEnd(),
          delivery,
          version,
          at: toTime(ended.at),
          kind: "delivery-ended",
          detail: {
            ...{ outcome: ended.outcome, error: ended.error },
            ...(ended.rolledBackBy !== undefined && { rolledBackBy: ended.rolledBackBy }),
          },
        },
      ]
    : [];
  return [
    ...questions.flatMap((approval, index) => [
      describeQuestion(approval, policies),
      ...describeEnd(approval, facts, index === questions.length - 1),
      ...describeBreakGlass(approval, facts.closure),
    ]),
    ...(deployment ? describeDeployment(deployment, before) : []),
    ...orders.map((order) => describeOrder(order, { delivery, version })),
    ...end,
  ].toSorted((left, right) => left.at.localeCompare(right.at));
};
