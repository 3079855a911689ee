import { createHolds } from "#domain/changes/holds.ts";
import { isAnsweredHold } from "#domain/changes/is-answered-hold.ts";
import { createEvent, toPublicText } from "#domain/events/create-event.ts";
import { toOutboxItems } from "#domain/events/to-outbox-items.ts";
import { createPlatformPolicy, type PlatformPolicy } from "#domain/policy/platform-policy.ts";
import type { Cipher } from "#platform/cipher/cipher.ts";
import { type Deliveries, TaskGone } from "#platform/deliveries/deliveries.ts";
import type { SlipwayEvent } from "#platform/events/events.ts";
import { readPages, type Store } from "#platform/store/store.ts";
import { type AnswerOrigin, pickOrigin } from "./answer-origin.ts";
import {
  type Approval,
  createApprovalReader,
  DeliveryQuestions,
  deriveApprovalId,
  type PostponedVote,
  parseApproval,
  toApprovalKey,
  toQuestionsKey,
  type Voter,
} from "./approval-records.ts";
import { needsMembership } from "./approver-lists.ts";
import type { BreakGlass } from "./break-glass.ts";
import { canonicalizeEmail } from "./canonicalize-email.ts";
import type { ApprovalDecision } from "./decision.ts";
import { findGuestRefusal, guestRefusal } from "./find-guest-refusal.ts";
import type { Membership } from "./find-membership.ts";
import { isSamePerson } from "./find-same-person.ts";
import { identifyVoter } from "./identify-voter.ts";
import { emptyIdentities, type Identities } from "./identities.ts";
import { type BoundContributors, describeContributorRefusal } from "./resolve-approvers.ts";
import { findTypedConfirmation, isConfirmed, type TypedConfirmation } from "./typed-confirmation.ts";

export type NewApproval = Omit<
  Approval,
  "id" | "token" | "state" | "postponed" | "postponedGlass" | "canary"
> &
  Partial<Pick<Approval, "canary">>;

export type Vote = AnswerOrigin & {
  readonly user: string;
  readonly name: string;
  /** As Slack shows it; undefined: unknown. Contributors are recognised by it. */
  readonly email: string | undefined;
  /** What the voter is in the rule's groups now; undefined: unknown. Only asked of who is an approver by a group. */
  readonly membership?: Membership | undefined;
  readonly verdict: "approved" | "rejected";
  readonly reason: string | null;
  /** What the voter typed; an approval of inconclusive checks counts only with it. */
  readonly confirmation?: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
};

export type VoteResult =
  | { readonly result: "decided"; readonly decision: ApprovalDecision; readonly approval: Approval }
  | { readonly result: "already"; readonly decision: ApprovalDecision; readonly approval: Approval }
  | {
      readonly result: "counted";
      readonly votes: number;
      readonly quorum: number;
      readonly approval: Approval;
    }
  /** Stored, and judged once the voter's address is known (`judge`). */
  | { readonly result: "postponed"; readonly approval: Approval }
  | { readonly result: "expired" | "withdrawn"; readonly approval: Approval }
  /** Checks are inconclusive, and the voter did not type what confirms an approval of them. */
  | {
      readonly result: "unconfirmed";
      readonly confirmation: TypedConfirmation;
      readonly approval: Approval;
    }
  | { readonly result: "refused"; readonly why: string }
  | { readonly result: "unknown" };

export type BreakGlassResult =
  | { readonly result: "broken"; readonly approval: Approval }
  /** Stored, and judged once Slack says who the person is (`judgeBreakGlass`). */
  | { readonly result: "postponed"; readonly approval: Approval }
  | { readonly result: "already"; readonly breakGlass: BreakGlass; readonly approval: Approval }
  | { readonly result: "refused"; readonly why: string }
  | { readonly result: "unknown" };

/** Why a vote does not count. */
export type VoteRefusal = Exclude<VoteResult, { readonly result: "decided" | "counted" | "postponed" }>;

/** Approvals stay in the store as a record. */
const retentionSeconds = 400 * 86_400;

/**
 * One approval per delivery and state of prod, and one per inconclusive step of its canary, bound to an exact artefact. Conditional writes lead from pending to decided
 * to sent: the first decision holds, and who finds it unsent sends it. So a crash in between loses nothing.
 */
export const createApprovals = ({
  store,
  cipher,
  deliveries,
  policy = createPlatformPolicy({ store }),
}: {
  store: Store;
  cipher: Cipher;
  deliveries: Deliveries;
  /** Its map says which accounts are one person's. */
  policy?: Pick<PlatformPolicy, "find">;
}) => {
  const readIdentities = async (): Promise<Identities> =>
    (await policy.find())?.identities ?? emptyIdentities;
  const read = async (id: string) => {
    const item = await store.get(toApprovalKey(id));
    return item && { approval: parseApproval(item.value), version: item.version };
  };
  const write = (approval: Approval, expect: number | "absent", ...events: readonly SlipwayEvent[]) =>
    store.put(toApprovalKey(approval.id), approval, {
      expect,
      expiresAt: computeExpiry(approval),
      ...toOutboxItems(...events),
    });
  const computeExpiry = ({ askedAt }: Pick<Approval, "askedAt">) =>
    Math.floor(askedAt / 1000) + retentionSeconds;
  const context = (id: string) => ({ purpose: "task-token", approval: id });

  const send = async (id: string): Promise<"sent" | "gone" | "nothing to send"> => {
    const item = await read(id);
    if (item?.approval.state.status !== "decided") return "nothing to send";
    const { approval } = item;
    if (approval.token === null) return "gone";
    const token = await cipher.decrypt(approval.token, context(id));
    let gone = false;
    try {
      await deliveries.succeed(token, toSentDecision(item.approval.state.decision), approval.delivery);
    } catch (error) {
      if (!(error instanceof TaskGone)) throw error;
      gone = true;
    }
    // The task may come back under a new token, and request-approval then sends the decision again. So only an accepted
    // decision closes the approval.
    if (gone) return "gone";
    await write(
      { ...approval, token: null, state: { status: "sent", decision: item.approval.state.decision } },
      item.version,
    );
    return "sent";
  };

  /**
   * Counts a vote by the approval's rule, or stores it as postponed if the voter's address is missing.
   * @param isOutdated true: another call has judged this vote, or the voter has replaced it
   */
  const castVote = async (
    id: string,
    vote: Omit<Vote, "email" | "membership">,
    findAddress: (approval: Approval) => VoterAddress,
    isOutdated: (approval: Approval) => boolean = () => false,
    judge: typeof judgeVoter = judgeVoter,
  ): Promise<VoteResult | undefined> => {
    for (;;) {
      const item = await read(id);
      if (!item) return { result: "unknown" };
      const { approval } = item;
      const { state, rule } = approval;
      if (isOutdated(approval)) return undefined;
      if (state.status !== "pending") return toLateVoteResult(approval, state);
      if (vote.at >= approval.expiresAt) return { result: "expired", approval };
      const address = findAddress(approval);
      const judgement = judge(approval, vote.user, address);
      if (judgement.result === "refused") return judgement;
      const isOneOfSeveral = vote.verdict === "approved" && rule.quorum > 1;
      // A single approval by a command names its person, too: who breaks the glass later has to be another one. A click has
      // three seconds; breaking the glass looks its person up.
      const isIdentified = isOneOfSeveral || (vote.verdict === "approved" && vote.via !== "slack");
      const identify = isIdentified ? createIdentify(approval, await readIdentities()) : undefined;
      const person = identify?.({ user: vote.user, address });
      const isPostponed =
        judgement.result === "no address yet" ||
        (isOneOfSeveral && person === undefined && address === "missing");
      if (isOneOfSeveral && person === undefined && !isPostponed)
        return { result: "refused", why: unknownPersonRefusal };
      const confirmation = vote.verdict === "approved" ? findTypedConfirmation(approval) : undefined;
      if (confirmation && !isConfirmed(confirmation, vote.confirmation))
        return { result: "unconfirmed", confirmation, approval };
      const others = (approval.postponed ?? []).filter(({ user }) => user !== vote.user);
      if (isPostponed) {
        const next = setPostponed(approval, [...others, toPostponedVote(vote)]);
        if ((await write(next, item.version)).written) return { result: "postponed", approval: next };
        continue;
      }

      const voter: Voter = {
        ...{ user: vote.user, name: vote.name, at: new Date(vote.at).toISOString() },
        ...(person !== undefined && { person }),
        ...pickOrigin(vote),
      };
      const isOther = (other: Voter) =>
        !isSamePerson(approval.contributors?.samePerson, other.user, vote.user) &&
        (person === undefined || identify?.(other) !== person);
      const votes = [...state.votes.filter(isOther), voter];
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
        ...setPostponed(approval, others),
        state: decides ? { status: "decided", decision } : { status: "pending", votes },
      };
      const events = decides ? [describeDecision(approval, decision)] : [];
      if (!(await write(next, item.version, ...events)).written) continue;
      return decides
        ? { result: "decided", decision, approval: next }
        : { result: "counted", votes: votes.length, quorum: rule.quorum, approval: next };
    }
  };

  const records = createApprovalReader({ store });
  const holds = createHolds({ store });

  /**
   * Lets a delivery change a closed prod, or stores the request as postponed if Slack has not said who the person is.
   * @param isOutdated true: another call has judged this request, or the person has replaced it
   */
  const castBreakGlass = async (
    id: string,
    glass: BreakGlass,
    findAddress: (approval: Approval) => VoterAddress,
    findApprover: FindApprover,
    isOutdated: (approval: Approval) => boolean = () => false,
  ): Promise<BreakGlassResult | undefined> => {
    const refuse = (why: string) => ({ result: "refused", why }) as const;
    for (;;) {
      const item = await read(id);
      if (!item) return { result: "unknown" };
      const { approval } = item;
      const { state } = approval;
      if (isOutdated(approval)) return undefined;
      if (!("decision" in state) || state.decision.status !== "approved")
        return refuse("Only an approved delivery can break the glass: approve it first.");
      if (approval.canary) return refuse("This is the approval of a canary's step: name the delivery's own.");
      const wait = (await holds.read(approval.delivery))?.current;
      if (approval.breakGlass && (!wait || isAnsweredHold(wait, approval.breakGlass)))
        return { result: "already", breakGlass: approval.breakGlass, approval };
      const address = findAddress(approval);
      const judgement = judgeVoter(approval, glass.user, address);
      if (judgement.result === "refused") return judgement;
      const { samePerson } = approval.contributors ?? {};
      const identify = createIdentify(approval, await readIdentities());
      const person = identify({ user: glass.user, address });
      const people = state.decision.by.map((voter) =>
        identify(
          voter.person === undefined ? { ...voter, address: findApprover(approval, voter.user) } : voter,
        ),
      );
      const isMissing =
        (person === undefined && address === "missing") ||
        state.decision.by.some(
          ({ user }, index) => people[index] === undefined && findApprover(approval, user) === "missing",
        );
      // An account without a known person could be the other's.
      const isUnknown = person === undefined || people.includes(undefined);
      if (
        (person !== undefined && people.includes(person)) ||
        state.decision.by.some(({ user }) => isSamePerson(samePerson, user, glass.user))
      )
        return refuse(
          "You approved this delivery already: breaking the glass needs one more approver than the quorum.",
        );
      if (!wait) return refuse("This delivery is not held: prod is open for it, or it has ended.");
      if (glass.at < wait.since)
        return refuse("Prod opened for this delivery since, and closed again. Break the glass again.");
      const isPostponed = judgement.result === "no address yet" || (isUnknown && isMissing);
      if (isUnknown && !isPostponed)
        return refuse(person === undefined ? unknownPersonRefusal : unknownApproverRefusal);
      const { postponedGlass, ...rest } = approval;
      const others = (postponedGlass ?? []).filter(({ user }) => user !== glass.user);
      const next: Approval = isPostponed
        ? { ...rest, postponedGlass: [...others, glass] }
        : { ...rest, breakGlass: glass };
      if ((await write(next, item.version)).written)
        return { result: isPostponed ? "postponed" : "broken", approval: next };
    }
  };
  /**
   * Lists the approval under its delivery. This comes before the approval itself, so that the message knows every approval.
   * Returns the ids of all approvals of the delivery, oldest first.
   */
  const note = async (question: NewApproval): Promise<readonly string[]> => {
    const id = deriveApprovalId(question);
    const key = toQuestionsKey(question.delivery);
    for (;;) {
      const item = await store.get(key);
      const before = item ? DeliveryQuestions.parse(item.value).approvals : [];
      if (before.at(-1) === id) return before;
      const value = { approvals: [...before.filter((other) => other !== id), id] };
      const expect = item?.version ?? "absent";
      if ((await store.put(key, value, { expect, expiresAt: computeExpiry(question) })).written)
        return value.approvals;
    }
  };

  const list = async (
    isListed: (approval: Approval) => boolean,
    model?: string,
  ): Promise<readonly Approval[]> => {
    const approvals: Approval[] = [];
    const pages = readPages(store, {
      partition: toApprovalKey("").partition,
      order: "ascending",
      limit: 100,
      ...(model === undefined ? {} : { prefix: `${model}~` }),
    });
    for await (const items of pages)
      approvals.push(...items.map(({ value }) => parseApproval(value)).filter(isListed));
    return approvals;
  };

  return {
    ...records,
    note,

    /**
     * Opens the approval, or stores a newer task token in the open one. A withdrawn approval takes no token: the caller
     * sees its state and ends the task.
     */
    ask: async (question: NewApproval, taskToken: string): Promise<Approval> => {
      const id = deriveApprovalId(question);
      await note(question);
      const token = await cipher.encrypt(taskToken, context(id));
      for (;;) {
        const item = await read(id);
        if (item?.approval.state.status === "withdrawn") return item.approval;
        const approval: Approval = item
          ? {
              ...item.approval,
              token,
              expiresAt: question.expiresAt,
              // A later request knows at least as many contributors, and may only exclude more people.
              contributors: mergeContributors(item.approval.contributors, question.contributors),
              ...pickHigherQuorum(item.approval, question),
              state: renewState(item.approval, question),
            }
          : { canary: null, ...question, id, token, state: { status: "pending", votes: [] } };
        const events = item ? [] : [describeQuestion(approval)];
        if ((await write(approval, item?.version ?? "absent", ...events)).written) return approval;
      }
    },

    /** Counts a vote by the approval's rule. The first decision holds. */
    vote: async (id: string, { email, membership, ...vote }: Vote): Promise<VoteResult> =>
      (await castVote(id, vote, () => ({ email, membership }))) ?? { result: "unknown" },

    /**
     * The same for a click in Slack: the address is the one that Slack showed when the approval was requested, so it needs
     * no call to Slack. Where it is missing, the vote is stored and `judge` decides about it.
     */
    click: async (id: string, vote: Omit<Vote, "email" | "membership">): Promise<VoteResult> =>
      (await castVote(id, { ...vote, via: "slack" }, findRequestedAddress(vote.user))) ?? {
        result: "unknown",
      },

    /**
     * Rejects the question about a canary for somebody who aborts it: any approver, a contributor too, who may decide nothing
     * else.
     */
    abort: async (id: string, vote: Omit<Vote, "email" | "verdict">): Promise<VoteResult> => {
      const rejection = { ...vote, verdict: "rejected" } as const;
      const judged = await castVote(id, rejection, () => "missing", undefined, judgeAbort);
      return judged ?? { result: "unknown" };
    },

    /**
     * Decides about a postponed vote. Undefined: another call has judged it, or the voter has replaced it.
     * @param at epoch milliseconds, now
     */
    judge: async (
      id: string,
      { user, name, verdict, reason, confirmation, at: clickedAt, ...origin }: PostponedVote,
      {
        at,
        ...voter
      }: {
        readonly email: string | undefined;
        readonly membership?: Membership | undefined;
        readonly at: number;
      },
    ): Promise<VoteResult | undefined> =>
      castVote(
        id,
        { user, name, verdict, reason, confirmation, at, ...pickOrigin(origin) },
        () => voter,
        ({ postponed = [] }) => !postponed.some((other) => other.user === user && other.at === clickedAt),
      ),

    /** Removes a postponed vote that does not count, once its voter knows. */
    dropPostponed: async (id: string, { user, at }: Pick<PostponedVote, "user" | "at">): Promise<void> => {
      for (;;) {
        const item = await read(id);
        const postponed = item?.approval.postponed ?? [];
        const others = postponed.filter((other) => other.user !== user || other.at !== at);
        if (!item || others.length === postponed.length) return;
        if ((await write(setPostponed(item.approval, others), item.version)).written) return;
      }
    },

    /**
     * Why a click of this user would not count; undefined: it would, or it would be postponed. Makes no call to Slack, whose
     * dialog has to open within three seconds.
     */
    check: async (
      id: string,
      { user, at }: { readonly user: string; readonly at: number },
    ): Promise<VoteRefusal | undefined> => {
      const approval = await records.read(id);
      if (!approval) return { result: "unknown" };
      if (approval.state.status !== "pending") return toLateVoteResult(approval, approval.state);
      if (at >= approval.expiresAt) return { result: "expired", approval };
      const judgement = judgeVoter(approval, user, findRequestedAddress(user)(approval));
      return judgement.result === "refused" ? judgement : undefined;
    },

    /**
     * Lets an approved delivery change prod although prod is closed: one approver more than the quorum says so, with a
     * reason. The first such approver counts; where somebody freezes prod after that, the first one who does it again.
     * @param address as Slack or AWS shows it now; "as requested": as Slack showed it when the approval was requested
     * @param approvers addresses that Slack shows now for those who approved; undefined in it: none
     */
    breakGlass: async (
      id: string,
      {
        address,
        approvers,
        ...glass
      }: BreakGlass & {
        readonly address: Exclude<VoterAddress, "missing"> | "as requested";
        readonly approvers?: ShownAddresses;
      },
    ): Promise<BreakGlassResult> =>
      (await castBreakGlass(
        id,
        glass,
        address === "as requested" ? findRequestedAddress(glass.user) : () => address,
        createFindApprover(approvers),
      )) ?? {
        result: "unknown",
      },

    /** Decides about a postponed request. Undefined: another call has judged it, or the person has replaced it. */
    judgeBreakGlass: async (
      id: string,
      glass: BreakGlass,
      voter: Exclude<VoterAddress, "missing">,
      approvers: ShownAddresses,
    ): Promise<BreakGlassResult | undefined> =>
      castBreakGlass(
        id,
        glass,
        () => voter,
        createFindApprover(approvers),
        ({ postponedGlass = [] }) => !postponedGlass.some((other) => isSameClick(other, glass)),
      ),

    /** Removes a postponed request that does not count, once its person knows. */
    dropPostponedGlass: async (id: string, glass: Pick<BreakGlass, "user" | "at">): Promise<void> => {
      for (;;) {
        const item = await read(id);
        const before = item?.approval.postponedGlass ?? [];
        const others = before.filter((other) => !isSameClick(other, glass));
        if (!item || others.length === before.length) return;
        if ((await write(setPostponedGlass(item.approval, others), item.version)).written) return;
      }
    },

    send,

    /** Ends an approval that no task waits for any more, because its delivery has ended. */
    close: async (id: string, why: string): Promise<void> => {
      for (;;) {
        const item = await read(id);
        if (!item) return;
        const { postponedGlass, ...approval } = item.approval;
        const { state } = approval;
        const isClosed = state.status === "sent" || (state.status === "withdrawn" && state.told);
        if (isClosed && !postponedGlass) return;
        const closed: Approval["state"] =
          state.status === "decided"
            ? { status: "sent", decision: state.decision }
            : { status: "withdrawn", why, told: true };
        const next = { ...approval, token: null, state: isClosed ? state : closed };
        if ((await write(next, item.version)).written) return;
      }
    },

    /**
     * Withdraws an undecided approval and ends the waiting task with `error`. After a crash between the two, the next call
     * ends the task. Returns false where it was decided before: the decision holds.
     */
    withdraw: async (
      id: string,
      error: { readonly name: string; readonly cause: string },
    ): Promise<boolean> => {
      for (;;) {
        const item = await read(id);
        if (!item) return false;
        const { approval, version } = item;
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
          } catch (error) {
            if (!(error instanceof TaskGone)) throw error;
          }
        const ended: Approval = {
          ...approval,
          token: null,
          state: { status: "withdrawn", why: error.cause, told: true },
        };
        if ((await write(ended, version)).written) return true;
      }
    },

    /** Approvals of a model (or of all) that wait for votes, or with a task that has not received the result. */
    open: async (model?: string): Promise<readonly Approval[]> => list(isOpen, model),

    /** The same, and those with a request to break the glass that nobody has judged. */
    unfinished: async (): Promise<readonly Approval[]> =>
      list((approval) => isOpen(approval) || approval.postponedGlass !== undefined),
  };
};
export type Approvals = ReturnType<typeof createApprovals>;

const toEventSubject = ({ id, model, delivery, commit, digest, version, canary }: Approval) => ({
  model,
  delivery,
  commit,
  digest,
  modelVersion: version,
  approval: id,
  ...(canary && { canaryPercent: canary.percent }),
});

const describeQuestion = (approval: Approval): SlipwayEvent =>
  createEvent([approval.id], approval.askedAt, {
    type: "waiting",
    ...toEventSubject(approval),
    approvers: [...approval.rule.approvers],
    quorum: approval.rule.quorum,
    expiresAt: new Date(approval.expiresAt).toISOString(),
  });

const describeDecision = (
  approval: Approval,
  { status, by, reason, decidedAt }: ApprovalDecision,
): SlipwayEvent =>
  createEvent([approval.id], decidedAt, {
    type: "decided",
    ...toEventSubject(approval),
    decision: status,
    by: by.map(({ user }) => user),
    reason: reason === null ? null : toPublicText(reason),
  });

const renewState = ({ state, contributors }: Approval, question: NewApproval): Approval["state"] => {
  // The old task is gone: the new one has to receive the same decision.
  if (state.status === "sent") return { status: "decided", decision: state.decision };
  const known = new Set(contributors?.addresses);
  const isKnown = (question.contributors?.addresses ?? []).every((address) => known.has(address));
  // A newly found contributor may have voted, and votes do not store an address: voting starts again.
  return state.status === "pending" && !isKnown ? { status: "pending", votes: [] } : state;
};

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
          ...new Map(
            [...before.unmapped, ...now.unmapped].map((unmapped) => [unmapped.identity, unmapped]),
          ).values(),
        ],
        approvers: now.approvers,
        ...(now.known === undefined ? {} : { known: now.known }),
        ...mergeShown(before, now),
        ...mergeSamePerson(before, now),
        ...(now.groups && { groups: now.groups }),
        // An address may be known by now, but a contributor stays a contributor.
        leftOut: [
          ...now.leftOut,
          ...before.leftOut.filter(
            ({ user, why }) => why === "contributor" && !now.leftOut.some((other) => other.user === user),
          ),
        ],
      };

/** The newest address of each approver; Slack may have been down at one of the requests. */
const mergeShown = (before: BoundContributors, now: BoundContributors): Pick<BoundContributors, "shown"> => {
  const shown = [...(before.shown ?? []), ...(now.shown ?? [])];
  return shown.length === 0
    ? {}
    : { shown: [...new Map(shown.map((approver) => [approver.user, approver])).values()] };
};

/** Accounts that were found to be one person's stay so: somebody may have changed their address in Slack since. */
const mergeSamePerson = (
  before: BoundContributors,
  now: BoundContributors,
): Pick<BoundContributors, "samePerson"> => {
  const groups = [...(before.samePerson ?? []), ...(now.samePerson ?? [])];
  return groups.length === 0
    ? {}
    : { samePerson: [...new Map(groups.map((users) => [users.toSorted().join(" "), users])).values()] };
};

/** The state machine has no use for whose account it is: an address stays in the record. */
const toSentDecision = (decision: ApprovalDecision): ApprovalDecision => ({
  ...decision,
  by: decision.by.map(({ user, name, at }) => ({ user, name, at })),
});

const isOpen = ({ state }: Approval): boolean =>
  state.status === "pending" || state.status === "decided" || (state.status === "withdrawn" && !state.told);

const isSameClick = (one: Pick<BreakGlass, "user" | "at">, other: Pick<BreakGlass, "user" | "at">): boolean =>
  one.user === other.user && one.at === other.at;

const setPostponedGlass = (
  { postponedGlass: _, ...approval }: Approval,
  postponedGlass: BreakGlass[],
): Approval => (postponedGlass.length === 0 ? approval : { ...approval, postponedGlass });

const setPostponed = (
  { postponed: _, ...approval }: Approval,
  postponed: readonly PostponedVote[],
): Approval => (postponed.length === 0 ? approval : { ...approval, postponed: [...postponed] });

const toLateVoteResult = (
  approval: Approval,
  state: Exclude<Approval["state"], { readonly status: "pending" }>,
) =>
  state.status === "withdrawn"
    ? ({ result: "withdrawn", approval } as const)
    : ({ result: "already", decision: state.decision, approval } as const);

const toPostponedVote = ({
  user,
  name,
  verdict,
  reason,
  confirmation,
  at,
  ...origin
}: Omit<Vote, "email" | "membership">): PostponedVote => ({
  user,
  name,
  verdict,
  reason,
  ...(confirmation !== undefined && { confirmation }),
  at,
  ...pickOrigin(origin),
});

/** What is known about a voter now. "missing": it has to be looked up; without e-mail: there is none. */
type VoterAddress =
  | { readonly email: string | undefined; readonly membership?: Membership | undefined }
  | "missing";

export const findRequestedAddress =
  (user: string) =>
  ({ contributors }: Approval): VoterAddress =>
    contributors?.shown?.find((approver) => approver.user === user) ?? "missing";

/** Addresses that Slack shows now, by user; undefined in it: none. */
export type ShownAddresses = ReadonlyMap<string, string | undefined>;
type FindApprover = (approval: Approval, user: string) => VoterAddress;

/** The address of somebody who approved: as Slack showed it at the request, otherwise as it shows it now. */
const createFindApprover =
  (shown: ShownAddresses = new Map()): FindApprover =>
  (approval, user) => {
    const requested = findRequestedAddress(user)(approval);
    return requested === "missing" && shown.has(user) ? { email: shown.get(user) } : requested;
  };

/** Who an account is by what is known of it: as it was kept with a vote, or by its address now or at the request. */
const createIdentify =
  (approval: Approval, identities: Identities) =>
  ({
    user,
    person,
    address = findRequestedAddress(user)(approval),
  }: {
    readonly user: string;
    readonly person?: string | undefined;
    readonly address?: VoterAddress;
  }): string | undefined =>
    person ??
    identifyVoter(identities, approval, { user, email: address === "missing" ? undefined : address.email });

/** Counting an account whose person is unknown could count one person twice. */
const unknownPersonRefusal =
  "More than one approver has to agree, and Slack shows no e-mail address for you now, so it is unknown whether you approved with another account. Try again when Slack responds, or ask the platform team to list your Slack id (`slipway policy apply`, section identities).";

const unknownApproverRefusal =
  "Slack shows no e-mail address for somebody who approved this delivery, so it is unknown whether that is another account of yours. Ask the platform team to list their Slack id (`slipway policy apply`, section identities), or wait until prod opens.";

/** Whoever may approve may abort a canary, and a contributor too: that only takes traffic away from the version. */
const judgeAbort: typeof judgeVoter = (approval, user) => {
  const why =
    approval.rule.approvers.includes(user) && approval.canary !== null
      ? findGuestRefusal(approval, user)
      : "You are not an approver of this model, so you may not abort its canary: ask one.";
  return why === undefined ? { result: "may vote" } : { result: "refused", why };
};

/**
 * The rule's approvers may vote, but no contributor unless the rule allows it. A user without a known address may be a
 * contributor, so may not vote.
 */
export const judgeVoter = (
  { rule, author, pusher, contributors }: Approval,
  user: string,
  address: VoterAddress,
):
  | { readonly result: "may vote" | "no address yet" }
  | { readonly result: "refused"; readonly why: string } => {
  const refuseIf = (why: string | undefined) =>
    why === undefined ? ({ result: "may vote" } as const) : ({ result: "refused", why } as const);
  if (!rule.approvers.includes(user))
    return refuseIf(
      "You are not an approver: the model's manifest and the platform's policy have to name you.",
    );
  if (needsMembership(contributors?.groups?.lists, user)) {
    const refusal = findGuestRefusal({ contributors }, user);
    if (refusal !== undefined) return refuseIf(refusal);
    if (address === "missing" || address.membership === undefined) return { result: "no address yet" };
    if (address.membership === "guest") return refuseIf(guestRefusal);
    if (address.membership === "no member")
      return refuseIf("You are no longer in the user group that may approve: ask another approver.");
  }
  if (rule.authorMayApprove) return { result: "may vote" };
  if (address === "missing") return { result: "no address yet" };
  const { email } = address;
  if (contributors) return refuseIf(describeContributorRefusal(contributors, { user, email }));
  if (email === undefined)
    return refuseIf("Slack shows no e-mail address for you, so you may be the author.");
  const canonical = canonicalizeEmail(email);
  const isSame = (other: string | null) => other !== null && canonicalizeEmail(other) === canonical;
  return refuseIf(
    isSame(author.email) || isSame(pusher)
      ? "The author of a change may not approve it: ask another approver."
      : undefined,
  );
};
