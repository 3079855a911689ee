import { createHash } from "node:crypto";
import * as z from "zod";
import { ApprovalRule } from "../inference/manifest/manifest.ts";
import type { Cipher } from "../platform/cipher/cipher.ts";
import { type Deliveries, TaskGone } from "../platform/deliveries/deliveries.ts";
import type { Store } from "../platform/store/store.ts";
import { ApprovalDecision } from "../statemachine/contracts.ts";
import { BoundContributors, whyContributor } from "./approval/approvers-for.ts";
import { canonicalEmail } from "./approval/canonical-email.ts";

const Voter = z.object({ user: z.string(), name: z.string(), at: z.string() });

/** Where a question stands. Only these moves exist: pending → decided → sent, and pending → withdrawn. */
const State = z.discriminatedUnion("status", [
  z.object({ status: z.literal("pending"), votes: z.array(Voter) }),
  z.object({ status: z.literal("decided"), decision: ApprovalDecision }),
  z.object({ status: z.literal("sent"), decision: ApprovalDecision }),
  /** `told`: the task that waited knows; until then the next withdrawal, or the sweep, tells it. */
  z.object({ status: z.literal("withdrawn"), why: z.string(), told: z.boolean().default(true) }),
]);

export const Approval = z.object({
  id: z.string(),
  /** What exactly is approved: another digest, version, prod baseline or fence is another question. */
  delivery: z.string(),
  model: z.string(),
  commit: z.string(),
  digest: z.string(),
  version: z.int().positive(),
  baseline: z.int().min(0),
  fence: z.int().positive(),
  author: z.object({ name: z.string(), email: z.string() }),
  pusher: z.string().nullable(),
  /** Who made the change; null in records from before these were kept. */
  contributors: BoundContributors.nullable().default(null),
  /** The quorum is already raised by one for each contributor who is mapped to nobody. */
  rule: ApprovalRule.extend({ quorum: z.int().min(1) }),
  askedAt: z.int(),
  /** Epoch milliseconds after which no vote counts: a minute before the waiting task times out. */
  expiresAt: z.int(),
  /** The task token, encrypted; the newest one, when the question was asked again. */
  token: z.string(),
  state: State,
});
export type Approval = z.infer<typeof Approval>;
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

const partition = "approvals";
/** Kept for the record after the question ended. */
const keptSeconds = 400 * 86_400;

/** The same delivery asking about the same prod is the same question; prod changed: another one. */
export const approvalId = ({
  model,
  delivery,
  baseline,
}: Pick<Approval, "model" | "delivery" | "baseline">): string =>
  `${model}~${createHash("sha256").update(`${delivery}\n${baseline}`).digest("hex").slice(0, 24)}`;

/**
 * One question to humans, bound to an exact artefact. PENDING → DECIDED → SENT by conditional writes: the first
 * decides, and whoever finds a decision that was not sent sends that same one.
 */
export const approvals = ({
  store,
  cipher,
  deliveries,
}: {
  store: Store;
  cipher: Cipher;
  deliveries: Deliveries;
}) => {
  const read = async (id: string) => {
    const item = await store.get({ partition, sort: id });
    return item && { approval: Approval.parse(item.value), version: item.version };
  };
  const write = (approval: Approval, expect: number | "absent") =>
    store.put({ partition, sort: approval.id }, approval, {
      expect,
      expiresAt: Math.floor(approval.askedAt / 1000) + keptSeconds,
    });
  const context = (id: string) => ({ purpose: "task-token", approval: id });

  const send = async (id: string): Promise<"sent" | "gone" | "nothing to send"> => {
    const found = await read(id);
    if (found?.approval.state.status !== "decided") return "nothing to send";
    const { approval } = found;
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
      { ...approval, state: { status: "sent", decision: found.approval.state.decision } },
      found.version,
    );
    return "sent";
  };

  return {
    read: async (id: string) => (await read(id))?.approval,

    /** Asks, or puts a newer task token under the question that stands. */
    ask: async (question: NewApproval, taskToken: string): Promise<Approval> => {
      const id = approvalId(question);
      const token = await cipher.encrypt(taskToken, context(id));
      for (;;) {
        const found = await read(id);
        const approval: Approval = found
          ? {
              ...found.approval,
              token,
              expiresAt: question.expiresAt,
              // What is known of the change later can only keep more people out.
              contributors: mergeContributors(found.approval.contributors, question.contributors),
              rule: {
                ...found.approval.rule,
                quorum: Math.max(found.approval.rule.quorum, question.rule.quorum),
              },
              // The decision went to a task that is no more; the new one has to hear the same.
              state:
                found.approval.state.status === "sent"
                  ? { status: "decided", decision: found.approval.state.decision }
                  : found.approval.state,
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
        if (state.status === "withdrawn") return { result: "withdrawn", approval };
        if (state.status !== "pending") return { result: "already", decision: state.decision, approval };
        if (vote.at >= approval.expiresAt) return { result: "expired", approval };
        const refusal = whyRefused(approval, vote);
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
        if ((await write({ ...found.approval, state: next }, found.version)).written) return;
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
        try {
          await deliveries.fail(await cipher.decrypt(approval.token, context(id)), error, approval.delivery);
        } catch (fault) {
          if (!(fault instanceof TaskGone)) throw fault;
        }
        const told: Approval = {
          ...approval,
          state: { status: "withdrawn", why: error.cause, told: true },
        };
        // A newer token may have been put under the question meanwhile: its task has to be told, too.
        if ((await write(told, version)).written) return true;
      }
    },

    /** Questions of a model (or of all) that wait: for votes, or for their task to be told what became of them. */
    open: async (model?: string): Promise<readonly Approval[]> => {
      const found: Approval[] = [];
      for (let after: string | undefined; ; ) {
        const page = await store.page({
          partition,
          order: "ascending",
          limit: 100,
          ...(model === undefined ? {} : { prefix: `${model}~` }),
          ...(after ? { after } : {}),
        });
        for (const item of page.items) {
          const approval = Approval.parse(item.value);
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
export type Approvals = ReturnType<typeof approvals>;

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
      };

/**
 * Who may answer: the rule's approvers, and nobody who made a part of the change unless the rule allows it. A user whose
 * e-mail is not known could have, so the answer is no.
 */
const whyRefused = (
  { rule, author, pusher, contributors }: Approval,
  { user, email }: Pick<Vote, "user" | "email">,
): string | undefined => {
  if (!rule.approvers.includes(user))
    return "Only the approvers that the model's manifest and the platform's policy name may answer this.";
  if (rule.authorMayApprove) return undefined;
  if (contributors) return whyContributor(contributors, { user, email });
  if (email === undefined)
    return "Slack shows no e-mail address for you, so it is not certain that you are not the author.";
  const person = canonicalEmail(email);
  const same = (other: string | null) => other !== null && canonicalEmail(other) === person;
  return same(author.email) || same(pusher)
    ? "The author of a change may not approve it: another approver has to answer."
    : undefined;
};
