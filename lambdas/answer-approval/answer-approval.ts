import * as z from "zod";
import type { Approvals, VoteResult } from "#domain/approval/approvals.ts";
import { fetchSlackEmail } from "#domain/approval/fetch-slack-email.ts";
import { maxReasonLength, parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import type { Outcomes } from "#domain/delivery/outcomes.ts";
import type { Warn } from "#domain/delivery/warn.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import type { SlackApi } from "#slack/slack-channel.ts";
import { RequestRefused, verifySlackRequest } from "./verify-slack-request.ts";

type AnswerApprovalDependencies = {
  readonly approvals: Approvals;
  readonly messages: DeliveryMessages;
  readonly outcomes: Outcomes;
  readonly slack: Pick<SlackApi, "views" | "users"> & {
    readonly chat: Pick<SlackApi["chat"], "postEphemeral">;
  };
  /** One secret, or two while they are rotated. */
  readonly signingSecrets: () => Promise<readonly string[]>;
  readonly teamId: string;
  readonly appId: string;
  readonly clock: () => number;
  readonly metrics: Pick<Metrics, "count">;
  readonly warn: Warn;
};

export type SlackCallback = {
  readonly rawBody: Uint8Array;
  readonly headers: Readonly<Record<string, string | undefined>>;
};
export type CallbackResponse = { readonly status: number; readonly body: string };

/** Bytes of a callback. Its form holds one JSON document; Slack's own are far below this. */
export const maxCallbackBytes = 1_000_000;

const Person = z.object({ id: z.string(), name: z.string().optional(), username: z.string().optional() });
const Common = { user: Person, team: z.object({ id: z.string() }), api_app_id: z.string() };
const Payload = z.discriminatedUnion("type", [
  z.object({
    ...Common,
    type: z.literal("block_actions"),
    trigger_id: z.string(),
    channel: z.object({ id: z.string() }),
    actions: z.array(z.object({ action_id: z.string(), value: z.string().max(2_000).optional() })).min(1),
  }),
  z.object({
    ...Common,
    type: z.literal("view_submission"),
    view: z.object({
      callback_id: z.string(),
      private_metadata: z.string().max(3_000),
      state: z.object({
        values: z.record(
          z.string(),
          z.record(z.string(), z.object({ value: z.string().nullable().optional() })),
        ),
      }),
    }),
  }),
]);
type Payload = z.infer<typeof Payload>;

const ok: CallbackResponse = { status: 200, body: "" };

/**
 * Slack's callbacks: Approve decides, Reject asks those who may answer for the reason first. The raw bytes are verified before they are
 * parsed; the decision is kept before it is sent, so a crash in between strands nothing.
 */
export const answerApproval =
  (needs: AnswerApprovalDependencies) =>
  async ({ rawBody, headers }: SlackCallback): Promise<CallbackResponse> => {
    if (rawBody.byteLength > maxCallbackBytes) return { status: 413, body: "the request is too large" };
    try {
      verifySlackRequest({
        rawBody,
        headers,
        secrets: await needs.signingSecrets(),
        now: needs.clock() / 1_000,
      });
    } catch (fault) {
      if (fault instanceof RequestRefused) return { status: 401, body: fault.message };
      throw fault;
    }
    const payload = readPayload(rawBody);
    if (!payload) return { status: 400, body: "the request is no callback that this app knows" };
    if (payload.team.id !== needs.teamId || payload.api_app_id !== needs.appId)
      return { status: 401, body: "the request is for another workspace or app" };
    return payload.type === "block_actions"
      ? handleBlockActions(needs, payload)
      : handleViewSubmission(needs, payload);
  };

const readPayload = (rawBody: Uint8Array): Payload | undefined => {
  try {
    const form = new URLSearchParams(new TextDecoder("utf-8", { fatal: true }).decode(rawBody));
    const payload = Payload.safeParse(JSON.parse(form.get("payload") ?? ""));
    return payload.success ? payload.data : undefined;
  } catch {
    return undefined;
  }
};

const handleBlockActions = async (
  needs: AnswerApprovalDependencies,
  payload: Extract<Payload, { type: "block_actions" }>,
): Promise<CallbackResponse> => {
  const action = payload.actions.find(({ action_id }) => action_id === "approve" || action_id === "reject");
  if (!action?.value) return ok;
  const { user, channel } = payload;
  const { value } = action;
  if (action.action_id === "reject") {
    const refused = await needs.approvals.check(value, {
      user: user.id,
      email: () => findSlackEmail(needs, user.id, value),
      at: needs.clock(),
    });
    if (refused)
      await postEphemeral(needs, channel.id, user.id, (await applyVoteResult(needs, refused)).sentence);
    else await needs.slack.views.open({ trigger_id: payload.trigger_id, view: createReasonDialog(value) });
    return ok;
  }
  const { taken, sentence } = await submitDecision(needs, value, user, "approved", null);
  // An answer that was taken stands in the message itself.
  if (!taken) await postEphemeral(needs, channel.id, user.id, sentence);
  return ok;
};

const handleViewSubmission = async (
  needs: AnswerApprovalDependencies,
  { view, user }: Extract<Payload, { type: "view_submission" }>,
): Promise<CallbackResponse> => {
  if (view.callback_id !== "reject-reason") return ok;
  const read = parseRejectionReason(view.state.values.reason?.reason?.value ?? "");
  const refuse = (sentence: string): CallbackResponse => ({
    status: 200,
    body: JSON.stringify({ response_action: "errors", errors: { reason: sentence } }),
  });
  if ("problem" in read) return refuse(read.problem);
  const { taken, sentence } = await submitDecision(
    needs,
    view.private_metadata,
    user,
    "rejected",
    read.reason,
  );
  return taken ? ok : refuse(sentence);
};

/** Whether an answer counted, and what became of it, in a sentence for the person who gave it. */
type DecisionResult = { readonly taken: boolean; readonly sentence: string };

/** Votes, sends and shows. */
export const submitDecision = async (
  needs: Pick<
    AnswerApprovalDependencies,
    "approvals" | "messages" | "outcomes" | "slack" | "metrics" | "clock" | "warn"
  >,
  approvalId: string,
  user: {
    readonly id: string;
    readonly name?: string | undefined;
    readonly username?: string | undefined;
    /** Where another authority than Slack knows who it is. */
    readonly email?: string | undefined;
  },
  verdict: "approved" | "rejected",
  reason: string | null,
): Promise<DecisionResult> => {
  const name = user.name ?? user.username ?? user.id;
  const email = user.email ?? (await findSlackEmail(needs, user.id, approvalId));
  const voted = await needs.approvals.vote(approvalId, {
    user: user.id,
    name,
    email,
    verdict,
    reason,
    at: needs.clock(),
  });
  return applyVoteResult(needs, voted);
};

const joinNames = (by: readonly { readonly name: string }[]) => by.map(({ name }) => name).join(", ");

const applyVoteResult = async (
  {
    approvals,
    messages,
    outcomes,
    metrics,
  }: Pick<AnswerApprovalDependencies, "approvals" | "messages" | "outcomes" | "metrics">,
  voted: VoteResult,
): Promise<DecisionResult> => {
  const refuse = (sentence: string): DecisionResult => ({ taken: false, sentence });
  switch (voted.result) {
    case "decided":
    case "already": {
      // Also after an earlier decision: a crash may have kept it from being sent, and the first click after it mends that.
      const { decision, approval } = voted;
      if (voted.result === "decided") {
        const dimensions = { model: approval.model, decision: decision.status };
        metrics.count({ name: "Approvals", value: 1, unit: "Count", dimensions });
      }
      try {
        await approvals.send(approval.id);
      } finally {
        // Decided is decided, also where the machine could not hear it yet.
        await messages.show(approval.delivery);
      }
      return voted.result === "decided"
        ? { taken: true, sentence: `It is ${decision.status} by ${joinNames(decision.by)}.` }
        : refuse(`This was already ${decision.status} by ${joinNames(decision.by)}.`);
    }
    case "counted":
      await messages.show(voted.approval.delivery);
      return {
        taken: true,
        sentence: `Your approval counts: ${voted.votes} of ${voted.quorum}. It is not approved yet.`,
      };
    case "expired":
    case "withdrawn": {
      const ended = await outcomes.read(voted.approval.delivery);
      await messages.show(voted.approval.delivery);
      return refuse(
        ended
          ? `This delivery has ended: ${ended.outcome}.`
          : voted.result === "expired"
            ? "The time for this answer is over."
            : "This question was withdrawn.",
      );
    }
    case "refused":
      return refuse(voted.why);
    case "unknown":
      return refuse("This question is not known here any more.");
    default:
      return voted satisfies never;
  }
};

/** The user's e-mail as Slack has it; undefined where Slack does not say. */
const findSlackEmail = async (
  { slack, warn }: Pick<AnswerApprovalDependencies, "slack" | "warn">,
  user: string,
  approval: string,
): Promise<string | undefined> => {
  try {
    return await fetchSlackEmail(slack, user);
  } catch (fault) {
    warn(`Slack did not say who ${user} is`, fault, { approval });
    return undefined;
  }
};

/** A note that only one person sees; that it fails changes nothing about the decision. */
const postEphemeral = async (
  { slack, warn }: AnswerApprovalDependencies,
  channel: string,
  user: string,
  text: string,
) => {
  try {
    await slack.chat.postEphemeral({ channel, user, text });
  } catch (fault) {
    warn("a note to an approver could not be shown in Slack", fault);
  }
};

const createReasonDialog = (approvalId: string) => ({
  type: "modal" as const,
  callback_id: "reject-reason",
  private_metadata: approvalId,
  title: { type: "plain_text" as const, text: "Reject this version" },
  submit: { type: "plain_text" as const, text: "Reject" },
  close: { type: "plain_text" as const, text: "Cancel" },
  blocks: [
    {
      type: "input" as const,
      block_id: "reason",
      label: { type: "plain_text" as const, text: "Why may it not go to prod?" },
      element: {
        type: "plain_text_input" as const,
        action_id: "reason",
        multiline: true,
        max_length: maxReasonLength,
      },
    },
  ],
});
