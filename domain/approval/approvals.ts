import type { Cipher } from "#platform/cipher/cipher.ts";
import { type Deliveries, TaskGone } from "#platform/deliveries/deliveries.ts";
import type { Store } from "#platform/store/store.ts";
import {
  type Approval,
  createApprovalReader,
  DeliveryQuestions,
  deriveApprovalId,
  parseApproval,
  toApprovalKey,
  toQuestionsKey,
} from "./approval-records.ts";
import { canonicalizeEmail } from "./canonicalize-email.ts";
import type { ApprovalDecision } from "./decision.ts";
import { type BoundContributors, describeContributorRefusal } from "./resolve-approvers.ts";

export type NewApproval = Omit<Approval, "id" | "token" | "state">;

export type Vote = {
  readonly user: string;
  readonly name: string;
  /** The user's e-mail as Slack knows it: it tells whether the author approves herself. */
  readonly email: string | undefined;
  readonly verdict: "approved" | "rejected";
  readonly reason: string | null;
  /** Epoch milliseconds. */
  readonly at: number;
};

/** What a vote came to. Only `decided` has changed where the question stands. */
export type VoteResult =
  | {
      readonly result: "decided" | "already";
      readonly decision: ApprovalDecision;
      readonly approval: Approval;
    }
  | {
      readonly result: "counted";
      readonly votes: number;
      readonly quorum: number;
      readonly approval: Approval;
    }
  | { readonly result: "expired" | "withdrawn"; readonly approval: Approval }
  | { readonly result: "refused"; readonly why: string }
  | { readonly result: "unknown" };

/** Kept for the record after the question ended. */
const retentionSeconds = 400 * 86_400;

/**
 * One question to humans, bound to an exact artefact. PENDING → DECIDED → SENT by conditional writes: the first
 * decides, and whoever finds a decision that was not sent sends that same one.
 */
export const createApprovals = ({
  store,
  cipher,
  deliveries,
}: {
  store: Store;
  cipher: Cipher;
  deliveries: Deliveries;
}) => {
  const read = async (id: string) => {
    const item = await store.get(toApprovalKey(id));
    return item && { approval: parseApproval(item.value), version: item.version };
  };
  const write = (approval: Approval, expect: number | "absent") =>
    store.put(toApprovalKey(approval.id), approval, { expect, expiresAt: keptUntil(approval) });
  const keptUntil = ({ askedAt }: Pick<Approval, "askedAt">) => Math.floor(askedAt / 1000) + retentionSeconds;
  const context = (id: string) => ({ purpose: "task-token", approval: id });

  const send = async (id: string): Promise<"sent" | "gone" | "nothing to send"> => {
    const found = await read(id);
    if (found?.approval.state.status !== "decided") return "nothing to send";
    const { approval } = found;
    if (approval.token === null) return "gone";
    const token = await cipher.decrypt(approval.token, context(id));
    let gone = false;
    try {
      await deliveries.succeed(token, found.approval.state.decision, approval.delivery);
    } catch (fault) {
      if (!(fault instanceof TaskGone)) throw fault;
      gone = true;
    }
    // A task that is gone may come back under a new token (a retried request-approval finds the decision and sends
    // it again), so only an accepted answer closes the question.
    if (gone) return "gone";
    await write(
      { ...approval, token: null, state: { status: "sent", decision: found.approval.state.decision } },
      found.version,
    );
    return "sent";
  };

  const records = createApprovalReader({ store });
  /**
   * Notes that a delivery asks this; before the question itself, so that none stands unknown to its message. Gives
   * the ids of all that it has asked or measured for, oldest first.
   */
  const note = async (question: NewApproval): Promise<readonly string[]> => {
    const id = deriveApprovalId(question);
    const key = toQuestionsKey(question.delivery);
    for (;;) {
      const item = await store.get(key);
      const before = item ? DeliveryQuestions.parse(item.value).approvals : [];
      if (before.at(-1) === id) return before;
      const value = { approvals: [...before.filter((each) => each !== id), id] };
      const expect = item?.version ?? "absent";
      if ((await store.put(key, value, { expect, expiresAt: keptUntil(question) })).written)
        return value.approvals;
    }
  };

  return {
    ...records,
    note,

    /**
     * Asks, or puts a newer task token under the question that stands. A withdrawn one takes no token: whoever asks
     * reads that from the answer, and ends the task.
     */
    ask: async (question: NewApproval, taskToken: string): Promise<Approval> => {
      const id = deriveApprovalId(question);
      await note(question);
      const token = await cipher.encrypt(taskToken, context(id));
      for (;;) {
        const found = await read(id);
        if (found?.approval.state.status === "withdrawn") return found.approval;
        const approval: Approval = found
          ? {
              ...found.approval,
              token,
              expiresAt: question.expiresAt,
              // What is known of the change later can only keep more people out.
              contributors: mergeContributors(found.approval.contributors, question.contributors),
              ...pickHigherQuorum(found.approval, question),
              state: renewState(found.approval, question),
            }
          : { ...question, id, token, state: { status: "pending", votes: [] } };
        if ((await write(approval, found?.version ?? "absent")).written) return approval;
      }
    },

    /** Counts a vote by the rule in force; the first decision stands. */
    vote: async (id: string, vote: Vote): Promise<VoteResult> => {
      for (;;) {
        const found = await read(id);
        if (!found) return { result: "unknown" };
        const { approval } = found;
        const { state, rule } = approval;
        if (state.status !== "pending") return toLateVoteResult(approval, state);
        if (vote.at >= approval.expiresAt) return { result: "expired", approval };
        const refusal = describeVoteRefusal(approval, vote);
        if (refusal) return { result: "refused", why: refusal };

        const voter = { user: vote.user, name: vote.name, at: new Date(vote.at).toISOString() };
        const votes = [...state.votes.filter(({ user }) => user !== vote.user), voter];
        const decides = vote.verdict === "rejected" || votes.length >= rule.quorum;
        const decision: ApprovalDecision = {
          status: vote.verdict,
          by: vote.verdict === "rejected" ? [voter] : votes,
          reason: vote.reason,
          approval: id,
          decidedAt: vote.at,
          baseline: approval.baseline,
          digest: approval.digest,
          version: approval.version,
        };
        const next: Approval = {
          ...approval,
          state: decides ? { status: "decided", decision } : { status: "pending", votes },
        };
        if (!(await write(next, found.version)).written) continue;
        return decides
          ? { result: "decided", decision, approval: next }
          : { result: "counted", votes: votes.length, quorum: rule.quorum, approval: next };
      }
    },

    /**
     * What a vote of this person would be answered with at once; undefined: it would count. `email` is looked up only
     * where the answer depends on it, because a dialog has to open within Slack's three seconds.
     */
    check: async (
      id: string,
      voter: {
        readonly user: string;
        readonly email: () => Promise<string | undefined>;
        readonly at: number;
      },
    ): Promise<VoteResult | undefined> => {
      const approval = await records.read(id);
      if (!approval) return { result: "unknown" };
      if (approval.state.status !== "pending") return toLateVoteResult(approval, approval.state);
      if (voter.at >= approval.expiresAt) return { result: "expired", approval };
      const known = approval.rule.approvers.includes(voter.user);
      const email = known ? await voter.email() : undefined;
      const why = describeVoteRefusal(approval, { user: voter.user, email });
      return why === undefined ? undefined : { result: "refused", why };
    },

    send,

    /** Ends the record of a question whose delivery has ended: nobody waits for an answer any more. */
    close: async (id: string, why: string): Promise<void> => {
      for (;;) {
        const found = await read(id);
        if (!found) return;
        const { state } = found.approval;
        if (state.status === "sent" || (state.status === "withdrawn" && state.told)) return;
        const next: Approval["state"] =
          state.status === "decided"
            ? { status: "sent", decision: state.decision }
            : { status: "withdrawn", why, told: true };
        if ((await write({ ...found.approval, token: null, state: next }, found.version)).written) return;
      }
    },

    /**
     * Takes an undecided question back, and ends the task that waits for it with `error`. Killed between the two, the
     * next call tells the task. False: it was decided before, so the answer stands.
     */
    withdraw: async (
      id: string,
      error: { readonly name: string; readonly cause: string },
    ): Promise<boolean> => {
      for (;;) {
        const found = await read(id);
        if (!found) return false;
        const { approval, version } = found;
        switch (approval.state.status) {
          case "decided":
          case "sent":
            return false;
          case "pending":
            await write(
              { ...approval, state: { status: "withdrawn", why: error.cause, told: false } },
              version,
            );
            continue;
          case "withdrawn":
            break;
          default:
            approval.state satisfies never;
        }
        if (approval.token !== null)
          try {
            await deliveries.fail(
              await cipher.decrypt(approval.token, context(id)),
              error,
              approval.delivery,
            );
          } catch (fault) {
            if (!(fault instanceof TaskGone)) throw fault;
          }
        const told: Approval = {
          ...approval,
          token: null,
          state: { status: "withdrawn", why: error.cause, told: true },
        };
        if ((await write(told, version)).written) return true;
      }
    },

    /** Questions of a model (or of all) that wait: for votes, or for their task to be told what became of them. */
    open: async (model?: string): Promise<readonly Approval[]> => {
      const found: Approval[] = [];
      for (let after: string | undefined; ; ) {
        const page = await store.page({
          partition: toApprovalKey("").partition,
          order: "ascending",
          limit: 100,
          ...(model === undefined ? {} : { prefix: `${model}~` }),
          ...(after ? { after } : {}),
        });
        for (const item of page.items) {
          const approval = parseApproval(item.value);
          const { state } = approval;
          if (state.status === "pending" || state.status === "decided") found.push(approval);
          if (state.status === "withdrawn" && !state.told) found.push(approval);
        }
        if (!page.cursor) return found;
        after = page.cursor;
      }
    },
  };
};
export type Approvals = ReturnType<typeof createApprovals>;

/** Where a question stands once its task is asked anew. */
const renewState = ({ state, contributors }: Approval, question: NewApproval): Approval["state"] => {
  // The decision went to a task that is no more; the new one has to hear the same.
  if (state.status === "sent") return { status: "decided", decision: state.decision };
  const known = new Set(contributors?.addresses);
  const isKnown = (question.contributors?.addresses ?? []).every((address) => known.has(address));
  // Whoever is found to have made a part of the change may have voted: votes do not say by which address.
  return state.status === "pending" && !isKnown ? { status: "pending", votes: [] } : state;
};

/** The higher of two quorums, and by how much that one is raised. */
const pickHigherQuorum = (
  before: Pick<Approval, "rule" | "raisedBy">,
  now: Pick<Approval, "rule" | "raisedBy">,
): Pick<Approval, "rule" | "raisedBy"> => {
  const { rule, raisedBy } = now.rule.quorum > before.rule.quorum ? now : before;
  return { rule: { ...before.rule, quorum: rule.quorum }, ...(raisedBy === undefined ? {} : { raisedBy }) };
};

const mergeContributors = (
  before: BoundContributors | null,
  now: BoundContributors | null,
): BoundContributors | null =>
  before === null || now === null
    ? (now ?? before)
    : {
        people: [...new Set([...before.people, ...now.people])],
        addresses: [...new Set([...before.addresses, ...now.addresses])],
        unmapped: [
          ...new Map([...before.unmapped, ...now.unmapped].map((each) => [each.identity, each])).values(),
        ],
        approvers: now.approvers,
        ...(now.known === undefined ? {} : { known: now.known }),
        // An address may have been added since; a part in the change stays a part.
        leftOut: [
          ...now.leftOut,
          ...before.leftOut.filter(
            ({ user, why }) => why === "contributor" && !now.leftOut.some((each) => each.user === user),
          ),
        ],
      };

/** What a vote hears where the question does not wait for votes any more. */
const toLateVoteResult = (
  approval: Approval,
  state: Exclude<Approval["state"], { readonly status: "pending" }>,
): VoteResult =>
  state.status === "withdrawn"
    ? { result: "withdrawn", approval }
    : { result: "already", decision: state.decision, approval };

/**
 * Who may answer: the rule's approvers, and nobody who made a part of the change unless the rule allows it. A user whose
 * e-mail is not known could have, so the answer is no.
 */
const describeVoteRefusal = (
  { rule, author, pusher, contributors }: Approval,
  { user, email }: Pick<Vote, "user" | "email">,
): string | undefined => {
  if (!rule.approvers.includes(user))
    return "Only the approvers that the model's manifest and the platform's policy name may answer this.";
  if (rule.authorMayApprove) return undefined;
  if (contributors) return describeContributorRefusal(contributors, { user, email });
  if (email === undefined)
    return "Slack shows no e-mail address for you, so it is not certain that you are not the author.";
  const person = canonicalizeEmail(email);
  const same = (other: string | null) => other !== null && canonicalizeEmail(other) === person;
  return same(author.email) || same(pusher)
    ? "The author of a change may not approve it: another approver has to answer."
    : undefined;
};
