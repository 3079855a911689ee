import type { Approval } from "#domain/approval/approval-records.ts";
import type { BoundContributors } from "#domain/approval/resolve-approvers.ts";
import type { Outcome, OutcomeRecord } from "#domain/delivery/outcomes.ts";
import type { Check } from "#domain/gates/verdict.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import type { Provenance } from "#domain/provenance/verified-provenance.ts";

/** What is stored about a delivery, as it stands at one moment. Whoever reads the same facts sees the same message. */
export type MessageFacts = {
  readonly delivery: string;
  /** Every question that the delivery has asked, oldest first; the last one counts. */
  readonly questions: readonly Approval[];
  /** Its deployment on prod. */
  readonly deployment: Deployment | undefined;
  /** What prod serves now; read where the delivery has asked. */
  readonly serving: Deployment | undefined;
  /** The person's rollback that ended this delivery, or took back what it had promoted: who, and why. */
  readonly rolledBack: { readonly by: string; readonly kind: "interrupted" | "taken back" } | undefined;
  readonly ended: OutcomeRecord | undefined;
  /** Epoch milliseconds at which the facts were read: a question expires by it. */
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
      /** Those of the rule's approvers who may answer, as far as that was known when the question was asked. */
      readonly approvers: readonly string[];
      /** Those who may not, and why. */
      readonly leftOut: BoundContributors["leftOut"];
      /** What prod serves now, where that is not what the checks were measured against. */
      readonly stale: string | null;
    }
  | { readonly status: "approved"; readonly by: readonly Person[] }
  | { readonly status: "rejected"; readonly by: readonly Person[]; readonly reason: string | null }
  | { readonly status: "expired" }
  | { readonly status: "withdrawn"; readonly why: string };

/** All that the one Slack message of a delivery shows. */
export type MessageState = {
  readonly delivery: string;
  readonly model: string;
  readonly commit: string;
  /** The author's name by the commit itself: whoever commits can write any. */
  readonly author: string;
  /** Addresses of those who made the change, as the approval is bound to them; null: it is not kept. */
  readonly madeBy: readonly string[] | null;
  /** Identities that had a part in it and are mapped to no person. */
  readonly unmapped: BoundContributors["unmapped"];
  /** How many approvals more are needed for them. */
  readonly raisedBy: number;
  readonly version: number | null;
  readonly digest: string | null;
  /** What prod served when the checks were measured; null: nothing yet. */
  readonly baseline: string | null;
  /** Rules and yardsticks that this very commit changes: the first line. */
  readonly changed: readonly string[];
  /** Why the question was asked again; null: it was asked once. */
  readonly askedAgain: string | null;
  readonly checks: readonly Check[];
  /** How the image was built, as verified; null where nothing was. */
  readonly provenance: Provenance | null;
  readonly omitted: readonly { readonly name: string; readonly why: string }[];
  readonly question: QuestionState | null;
  /** What happens on prod right now, in a sentence. */
  readonly progress: string | null;
  readonly rolledBack: MessageFacts["rolledBack"] | null;
  readonly outcome: Outcome | null;
  /** Of a promoted one: whether another was promoted after it, or the model was taken off. */
  readonly replaced: boolean;
  readonly error: { readonly name: string; readonly cause: string } | null;
};

const labelVersion = (serving: Deployment | undefined) =>
  serving ? `version ${serving.version}` : "no version of this model";

/**
 * What the message of a delivery says, by the stored facts alone (docs/approval-message.md has the rules). Undefined:
 * it has asked nothing and has not ended, so it has no message.
 */
export const deriveMessageState = (facts: MessageFacts): MessageState | undefined => {
  const { delivery, questions, deployment, serving, ended } = facts;
  const asked = questions.at(-1);
  const about = asked ?? ended;
  if (!about) return undefined;
  const outcome = ended?.outcome ?? null;
  const rolledBack = facts.rolledBack ?? null;
  const canary = deployment?.checks ?? [];
  return {
    delivery,
    model: about.model,
    commit: about.commit,
    author: asked?.author.name ?? "",
    madeBy: asked?.contributors?.people ?? null,
    unmapped: asked?.contributors?.unmapped ?? [],
    raisedBy: asked ? countExtraApprovals(asked) : 0,
    version: asked?.version ?? null,
    digest: asked?.digest ?? null,
    baseline: asked?.evidence.champion ?? null,
    changed: asked?.evidence.changed ?? [],
    askedAgain: questions.length > 1 ? describeRepeatedQuestion(questions) : null,
    checks: [
      ...(asked?.evidence.checks ?? []).filter(({ name }) => !canary.some((check) => check.name === name)),
      ...canary,
    ],
    provenance: asked?.evidence.provenance ?? null,
    omitted: asked?.evidence.omitted ?? [],
    question: asked ? toQuestionState(asked, facts) : null,
    progress: outcome === null && !rolledBack ? describeProgress(deployment) : null,
    rolledBack,
    outcome,
    replaced: outcome === "promoted" && serving?.sequence !== deployment?.sequence,
    error: ended?.error ?? null,
  };
};

/** Where authors may approve, nobody who is unknown raises the quorum. */
const countExtraApprovals = ({ raisedBy: kept, rule, contributors }: Approval): number =>
  kept ?? (rule.authorMayApprove ? 0 : (contributors?.unmapped.length ?? 0));

const toQuestionState = (
  { id, state, expiresAt, rule, baseline, contributors }: Approval,
  { ended, serving, now, rolledBack }: MessageFacts,
): QuestionState => {
  switch (state.status) {
    // Decided is decided, sent or not: nobody has anything to click any more.
    case "decided":
    case "sent": {
      const { status, by, reason } = state.decision;
      return status === "approved" ? { status, by } : { status, by, reason };
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
  if (ended && ended.outcome !== "expired")
    return { status: "withdrawn", why: `the delivery ended as ${ended.outcome}` };
  if (ended || now >= expiresAt) return { status: "expired" };
  const leftOut = rule.authorMayApprove
    ? []
    : (contributors?.leftOut ?? []).filter(({ user }) => rule.approvers.includes(user));
  return {
    status: "open",
    approval: id,
    expiresAt,
    votes: state.status === "pending" ? state.votes : [],
    quorum: rule.quorum,
    approvers: rule.approvers.filter((user) => !leftOut.some((each) => each.user === user)),
    leftOut,
    stale: (serving?.sequence ?? 0) === baseline ? null : labelVersion(serving),
  };
};

/** The question before was about another prod; what is told is what each of the two was measured against. */
const describeRepeatedQuestion = (questions: readonly Approval[]): string => {
  const [before, now] = questions.slice(-2);
  const champion = (asked: Approval | undefined) => asked?.evidence.champion ?? "no version";
  return `Prod changed from ${champion(before)} to ${champion(now)} after this was asked, so everything was measured again, and earlier answers do not count.`;
};

const describeProgress = (deployment: Deployment | undefined): string | null => {
  if (!deployment) return null;
  switch (deployment.status) {
    case "canary":
      return `Canary: ${deployment.shares.at(-1)?.percent ?? 0} % of prod's traffic goes to version ${deployment.version}`;
    case "promoted":
      return `Version ${deployment.version} serves all of prod's traffic`;
    case "promoting":
      return `Version ${deployment.version} is being given all of prod's traffic`;
    case "deployed":
    case "ended":
      return null;
    default:
      return deployment.status satisfies never;
  }
};
