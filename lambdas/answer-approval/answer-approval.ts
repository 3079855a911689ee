import { parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import {
  findDecisionRefusal,
  type SubmitDecisionDependencies,
  submitDecision,
} from "#domain/approval/submit-decision.ts";
import { parseInteraction } from "#slack/parse-interaction.ts";
import { renderRejectDialog, renderRejectDialogError } from "#slack/reject-dialog.ts";
import type { SlackApi } from "#slack/slack-channel.ts";
import { RequestRefused, verifySlackRequest } from "#slack/verify-slack-request.ts";

export type AnswerApprovalDependencies = Omit<SubmitDecisionDependencies, "slack"> & {
  readonly slack: Pick<SlackApi, "views" | "users"> & {
    readonly chat: Pick<SlackApi["chat"], "postEphemeral">;
  };
  /** One secret, or two during a rotation. */
  readonly signingSecrets: () => Promise<readonly string[]>;
  readonly teamId: string;
  readonly appId: string;
};

export type SlackCallback = {
  readonly rawBody: Uint8Array;
  readonly headers: Readonly<Record<string, string | undefined>>;
};
export type CallbackResponse = { readonly status: number; readonly body: string };

/** Slack's callbacks are far smaller. */
export const maxCallbackBytes = 1_000_000;

const ok: CallbackResponse = { status: 200, body: "" };

/**
 * Handles Slack's callbacks: Approve decides at once; Reject opens a dialog for the reason, and the dialog decides. The
 * raw bytes are verified before they are parsed. Slack waits three seconds for the response.
 */
export const answerApproval =
  (dependencies: AnswerApprovalDependencies) =>
  async ({ rawBody, headers }: SlackCallback): Promise<CallbackResponse> => {
    const { slack, signingSecrets, teamId, appId, clock } = dependencies;
    if (rawBody.byteLength > maxCallbackBytes) return { status: 413, body: "the request is too large" };
    try {
      verifySlackRequest({ rawBody, headers, secrets: await signingSecrets(), now: clock() / 1_000 });
    } catch (error) {
      if (error instanceof RequestRefused) return { status: 401, body: error.message };
      throw error;
    }
    const interaction = parseInteraction(rawBody);
    if (!interaction) return { status: 400, body: "unknown callback" };
    if (interaction.teamId !== teamId || interaction.appId !== appId)
      return { status: 401, body: "the request is for another workspace or app" };
    const { action, user } = interaction;
    switch (action.type) {
      case "approve": {
        const { approval, channel } = action;
        const decision = { approval, approver: user, verdict: "approved", reason: null } as const;
        const { taken, sentence } = await submitDecision(dependencies)(decision);
        // The message shows a decision that counts.
        if (!taken) await postEphemeral(dependencies, channel, user.id, sentence);
        return ok;
      }
      case "reject": {
        const { approval, channel, triggerId } = action;
        const refusal = await findDecisionRefusal(dependencies)(approval, user.id);
        if (refusal) await postEphemeral(dependencies, channel, user.id, refusal.sentence);
        else await slack.views.open({ trigger_id: triggerId, view: renderRejectDialog(approval) });
        return ok;
      }
      case "submit-reason": {
        const { approval, typedReason } = action;
        const parsed = parseRejectionReason(typedReason);
        if ("problem" in parsed) return { status: 200, body: renderRejectDialogError(parsed.problem) };
        const decision = { approval, approver: user, verdict: "rejected", reason: parsed.reason } as const;
        const { taken, sentence } = await submitDecision(dependencies)(decision);
        return taken ? ok : { status: 200, body: renderRejectDialogError(sentence) };
      }
      case "other":
        return ok;
      default:
        return action satisfies never;
    }
  };

/** A failed note changes nothing about the decision. */
const postEphemeral = async (
  { slack, warn }: AnswerApprovalDependencies,
  channel: string,
  user: string,
  text: string,
) => {
  try {
    await slack.chat.postEphemeral({ channel, user, text });
  } catch (error) {
    warn("could not show an approver a note in Slack", error);
  }
};
