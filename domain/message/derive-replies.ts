import type { Approval } from "#domain/approval/approval-records.ts";
import type { Outcome } from "#domain/delivery/outcomes.ts";
import { isSlackOwner } from "#model-folder/manifest/describe-owner.ts";
import { type CanaryOrderSays, deriveCanaryReplies } from "./derive-canary-replies.ts";
import { deriveMessageState, type MessageFacts, type QuestionState } from "./message-state.ts";

type Person = { readonly user: string; readonly name: string };
type Says =
  /** A later question: the edit of the message notifies nobody. */
  | { readonly kind: "asked"; readonly canaryPercent: number | null }
  /** The question is still open, and its time is nearly over. */
  | { readonly kind: "reminder"; readonly expiresAt: number }
  | {
      readonly kind: "decided";
      readonly status: "approved" | "rejected";
      readonly by: readonly Person[];
      readonly reason: string | null;
      readonly canaryPercent: number | null;
    }
  | { readonly kind: "share"; readonly percent: number }
  /** Prod is closed. */
  | { readonly kind: "held"; readonly until: number | null; readonly why: string }
  /** Somebody let it change prod although prod was closed. */
  | { readonly kind: "glass broken"; readonly user: string; readonly reason: string }
  | CanaryOrderSays
  | {
      readonly kind: "ended";
      readonly outcome: Outcome;
      readonly error: { readonly name: string; readonly cause: string } | null;
    }
  /** `by`: who and why. Versions: what served before and after; null: unknown, or none. */
  | {
      readonly kind: "rolled back";
      readonly by: string;
      readonly from: number | null;
      readonly to: number | null;
    };

/** A reply in the thread of a delivery's message. */
export type Reply = {
  /** Equal for the same fact, so that it is told once. */
  readonly id: string;
  readonly model: string;
  readonly version: number | null;
  readonly says: Says;
  /** Also shown in the channel. */
  readonly broadcast: boolean;
  /** Who has to act, or wants to know: Slack users and user groups, and addresses of people whose Slack users Slack knows. */
  readonly mentions: { readonly users: readonly string[]; readonly addresses: readonly string[] };
};

/** A question is recalled when a quarter of its time is left, and at the latest four hours before its end. */
const reminderLeadMs = 4 * 3_600_000;

const nobody = { users: [], addresses: [] } as const;

/** The author and the owner. */
const findPeople = ({ questions, people }: MessageFacts): Reply["mentions"] => {
  const approval = questions.at(-1);
  const { author, owner } = approval
    ? { author: approval.author.email, owner: approval.evidence.owner ?? null }
    : { author: people?.author ?? null, owner: people?.owner ?? null };
  const isMentionable = owner !== null && isSlackOwner(owner);
  return {
    users: isMentionable ? [owner] : [],
    addresses: [author, isMentionable ? null : owner].flatMap((each) => each || []),
  };
};

/** Whether the post of the message itself tells it: a post mentions nobody, so it does not tell an end to its people. */
export const isToldByPost = ({ says, mentions: { users, addresses } }: Reply): boolean =>
  says.kind !== "ended" || users.length + addresses.length === 0;

const findReminder = (approval: Approval, { now, ended, rolledBack }: MessageFacts): boolean => {
  const { state, askedAt, expiresAt } = approval;
  const lead = Math.min(reminderLeadMs, (expiresAt - askedAt) / 4);
  return state.status === "pending" && !ended && !rolledBack && now >= expiresAt - lead && now < expiresAt;
};

/** The approvers who have not answered; an answer that waits for an address is one. */
const listMissing = ({
  approvers,
  votes,
  waiting = [],
}: Extract<QuestionState, { readonly status: "open" }>): readonly string[] => {
  const answered = new Set([...votes, ...waiting].map(({ user }) => user));
  return approvers.filter((user) => !answered.has(user));
};

const listClosures = (
  { hold, questions }: MessageFacts,
  about: Pick<Reply, "model" | "version">,
): readonly Reply[] => {
  const glass = questions.findLast((question) => question.breakGlass)?.breakGlass;
  return [
    ...(hold?.current
      ? [
          {
            ...about,
            id: `held ${hold.current.since}`,
            says: { kind: "held", until: hold.current.until, why: hold.current.why } as const,
            broadcast: false,
            mentions: nobody,
          },
        ]
      : []),
    ...(glass
      ? [
          {
            ...about,
            id: `glass broken ${glass.at}`,
            says: { kind: "glass broken", user: glass.user, reason: glass.reason } as const,
            broadcast: true,
            mentions: nobody,
          },
        ]
      : []),
  ];
};

/**
 * What is told in the thread of a delivery's message, oldest first, derived from stored facts alone: each step on prod, each
 * decision, the end; and by a broadcast what somebody has to act on, because an edited message notifies nobody.
 */
export const deriveReplies = (facts: MessageFacts): readonly Reply[] => {
  const { questions, deployment, serving, ended, rolledBack } = facts;
  const state = deriveMessageState(facts);
  if (!state) return [];
  const { model, version, question } = state;
  const approval = questions.at(-1);
  const people = findPeople(facts);
  const about = { model, version };
  const approvers = question?.status === "open" ? listMissing(question) : [];
  return [
    ...questions.flatMap((each, index): Reply[] => [
      ...(index === 0
        ? []
        : [
            {
              ...about,
              id: `asked ${each.id}`,
              says: { kind: "asked", canaryPercent: each.canary?.percent ?? null } as const,
              broadcast: true,
              mentions: each === approval ? { users: approvers, addresses: [] } : nobody,
            },
          ]),
      ...(findReminder(each, facts)
        ? [
            {
              ...about,
              id: `reminder ${each.id}`,
              says: { kind: "reminder", expiresAt: each.expiresAt } as const,
              broadcast: true,
              mentions: { users: approvers, addresses: [] },
            },
          ]
        : []),
      ...("decision" in each.state
        ? [
            {
              ...about,
              id: `decided ${each.id}`,
              says: {
                kind: "decided",
                status: each.state.decision.status,
                by: each.state.decision.by,
                reason: each.state.decision.reason,
                canaryPercent: each.canary?.percent ?? null,
              } as const,
              broadcast: false,
              mentions: each.state.decision.status === "rejected" ? people : nobody,
            },
          ]
        : []),
    ]),
    ...listClosures(facts, about),
    ...(deployment?.shares ?? [])
      .filter(({ percent }) => percent < 100)
      .map(
        ({ percent }, index): Reply => ({
          ...about,
          id: `share ${index}`,
          says: { kind: "share", percent },
          broadcast: false,
          mentions: nobody,
        }),
      ),
    ...deriveCanaryReplies(facts).map(
      (order): Reply => ({ ...about, ...order, broadcast: false, mentions: nobody }),
    ),
    ...(rolledBack
      ? [
          {
            ...about,
            id: "rolled back",
            says: {
              kind: "rolled back",
              by: rolledBack.by,
              from: deployment?.version ?? null,
              to: serving?.version ?? null,
            } as const,
            broadcast: true,
            mentions: people,
          },
        ]
      : []),
    // After a rollback the outcome says nothing new.
    ...(ended && !(rolledBack && (ended.outcome === "superseded" || ended.outcome === "promoted"))
      ? [
          {
            ...about,
            id: `ended ${ended.outcome}`,
            says: { kind: "ended", outcome: ended.outcome, error: ended.error } as const,
            // Without a question the message itself has just come into the channel.
            broadcast: approval !== undefined && (ended.outcome === "failed" || ended.outcome === "expired"),
            mentions: ended.outcome === "failed" || ended.outcome === "expired" ? people : nobody,
          },
        ]
      : []),
  ];
};
