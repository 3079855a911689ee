import type { ModalView } from "@slack/web-api";
import type { Approvals, VoteResult } from "#domain/approval/approvals.ts";
import { countDecision } from "#domain/approval/count-decision.ts";
import { describeBreakGlass } from "#domain/approval/describe-break-glass.ts";
import { describeVoteResult } from "#domain/approval/describe-vote-result.ts";
import type { StartFollowUp } from "#domain/approval/finish-approval.ts";
import { parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import {
  checkCanaryOrder,
  type GiveCanaryOrderDependencies,
  giveCanaryOrder,
  type OrderRequest,
  type OrderResult,
} from "#domain/canary/give-canary-order.ts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import type { Outcomes } from "#domain/delivery/outcomes.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import { renderAbortDialog, renderAbortDialogError, renderNoticeDialog } from "#slack/abort-dialog.ts";
import { renderBreakGlassDialog, renderBreakGlassDialogError } from "#slack/break-glass-dialog.ts";
import { buttonHoldMs } from "#slack/canary-buttons.ts";
import { renderConfirmDialog, renderConfirmDialogError } from "#slack/confirm-dialog.ts";
import { parseInteraction } from "#slack/parse-interaction.ts";
import { renderRejectDialog, renderRejectDialogError } from "#slack/reject-dialog.ts";
import type { SlackApi } from "#slack/slack-channel.ts";
import { RequestRefused, verifySlackRequest } from "#slack/verify-slack-request.ts";

export type AnswerApprovalDependencies = GiveCanaryOrderDependencies & {
  readonly approvals: Pick<Approvals, "click" | "check" | "read" | "ofDelivery" | "abort" | "breakGlass">;
  readonly outcomes: Pick<Outcomes, "read">;
  readonly slack: Pick<SlackApi, "views">;
  readonly metrics: Pick<Metrics, "count">;
  /** Starts `finishApproval` without waiting for it. */
  readonly startFollowUp: StartFollowUp;
  /** One secret, or two during a rotation. */
  readonly signingSecrets: () => Promise<readonly string[]>;
  readonly teamId: string;
  readonly appId: string;
  readonly clock: () => number;
  readonly warn: LogWarning;
};

export type SlackCallback = {
  readonly rawBody: Uint8Array;
  readonly headers: Readonly<Record<string, string | undefined>>;
};
export type CallbackResponse = { readonly status: number; readonly body: string };

/** Slack's callbacks are far smaller. */
export const maxCallbackBytes = 1_000_000;

const ok: CallbackResponse = { status: 200, body: "" };

/** The orders of buttons that need no dialog: Slack has asked once more. A "go" decides nothing by itself. */
const clickedOrders = {
  "hold-canary": { kind: "hold", forMs: buttonHoldMs, reason: "Hold for 1 hour, in Slack" },
  "end-canary-hold": { kind: "end-hold" },
  "go-canary": { kind: "go" },
} as const satisfies Readonly<Record<string, OrderRequest>>;

/**
 * Handles Slack's callbacks: Approve decides at once, unless checks are inconclusive: then it opens a dialog for the
 * model's name, and the dialog decides, as Reject's dialog for the reason does. The raw bytes are verified before they are parsed. Slack waits three seconds for the response, so this only stores the
 * decision and opens the dialog; `finishApproval` does the rest in an asynchronous invocation.
 */
export const answerApproval =
  (dependencies: AnswerApprovalDependencies) =>
  async ({ rawBody, headers }: SlackCallback): Promise<CallbackResponse> => {
    const { approvals, slack, signingSecrets, teamId, appId, clock } = dependencies;
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
    const voter = { user: user.id, name: user.name, at: clock() };
    const explain = (approval: string, channel: string, about?: "dialog" | "click") =>
      dependencies.startFollowUp({
        followUp: "finish-approval",
        approval,
        explainTo: { user: user.id, channel, ...(about && { about }) },
      });
    /** A trigger lives for three seconds, so another attempt is the person's, who gets a note about it. */
    const openDialog = async (
      { approval, channel, triggerId }: { approval: string; channel: string; triggerId: string },
      view: ModalView,
      about: "dialog" | "click" = "click",
    ): Promise<void> => {
      try {
        await slack.views.open({ trigger_id: triggerId, view });
      } catch (error) {
        dependencies.warn("could not open a dialog in Slack", error, { approval });
        await explain(approval, channel, about);
      }
    };
    switch (action.type) {
      case "approve": {
        const { approval, channel } = action;
        const result = await approvals.click(approval, { ...voter, verdict: "approved", reason: null });
        if (result.result === "unconfirmed") {
          await openDialog(action, renderConfirmDialog(approval, result.confirmation));
          return ok;
        }
        countDecision(dependencies.metrics, result);
        if (isStored(result)) await finishLater(dependencies, approval);
        // The message shows a decision that counts; any other click gets a note.
        else await explain(approval, channel);
        return ok;
      }
      case "reject": {
        const { approval, channel } = action;
        if (await approvals.check(approval, voter)) await explain(approval, channel);
        else await openDialog(action, renderRejectDialog(approval), "dialog");
        return ok;
      }
      case "submit-reason": {
        const { approval, typedReason } = action;
        const parsed = parseRejectionReason(typedReason);
        if ("problem" in parsed) return { status: 200, body: renderRejectDialogError(parsed.problem) };
        const { reason } = parsed;
        const result = await approvals.click(approval, { ...voter, verdict: "rejected", reason });
        countDecision(dependencies.metrics, result);
        // Also after an earlier decision: a crash may have kept it from being sent.
        await finishLater(dependencies, approval);
        if (isStored(result)) return ok;
        const { sentence } = await describeVoteResult(dependencies)(result);
        return { status: 200, body: renderRejectDialogError(sentence) };
      }
      case "break-glass": {
        await openDialog(action, renderBreakGlassDialog(action.approval));
        return ok;
      }
      case "submit-break-glass": {
        const { approval, typedReason } = action;
        const parsed = parseRejectionReason(typedReason);
        if ("problem" in parsed) return { status: 200, body: renderBreakGlassDialogError(parsed.problem) };
        const glass = { ...voter, reason: parsed.reason, via: "slack", address: "as requested" } as const;
        const { taken, sentence } = describeBreakGlass(await approvals.breakGlass(approval, glass));
        if (!taken) return { status: 200, body: renderBreakGlassDialogError(sentence) };
        await finishLater(dependencies, approval);
        return ok;
      }
      case "submit-confirmation": {
        const { approval, typed: confirmation } = action;
        const vote = { ...voter, verdict: "approved", reason: null, confirmation } as const;
        const result = await approvals.click(approval, vote);
        if (result.result === "unconfirmed")
          return {
            status: 200,
            body: renderConfirmDialogError(`Type the model's name: ${result.confirmation.phrase}`),
          };
        countDecision(dependencies.metrics, result);
        // Also after an earlier decision: a crash may have kept it from being sent.
        await finishLater(dependencies, approval);
        if (isStored(result)) return ok;
        const { sentence } = await describeVoteResult(dependencies)(result);
        return { status: 200, body: renderConfirmDialogError(sentence) };
      }
      case "hold-canary":
      case "end-canary-hold":
      case "go-canary": {
        const { taken, sentence } = await orderCanary(
          dependencies,
          action.approval,
          user,
          clickedOrders[action.type],
        );
        if (!taken) await openDialog(action, renderNoticeDialog(sentence));
        return ok;
      }
      case "abort-canary": {
        const { approval } = action;
        const delivery = (await approvals.read(approval))?.delivery;
        const why =
          delivery === undefined
            ? "This canary is not known any more."
            : await checkCanaryOrder(dependencies)(delivery, "abort", { user: user.id, name: user.name });
        await openDialog(action, why === undefined ? renderAbortDialog(approval) : renderNoticeDialog(why));
        return ok;
      }
      case "submit-abort": {
        const { approval, typedReason } = action;
        const parsed = parseRejectionReason(typedReason);
        if ("problem" in parsed) return { status: 200, body: renderAbortDialogError(parsed.problem) };
        const order = { kind: "abort", reason: parsed.reason } as const;
        const { taken, sentence } = await orderCanary(dependencies, approval, user, order);
        return taken ? ok : { status: 200, body: renderAbortDialogError(sentence) };
      }
      case "other":
        return ok;
      default:
        return action satisfies never;
    }
  };

/** Stores an order about a canary; its next round carries it out, and the message shows it before. */
const orderCanary = async (
  dependencies: AnswerApprovalDependencies,
  approval: string,
  user: { readonly id: string; readonly name: string },
  order: OrderRequest,
): Promise<OrderResult> => {
  const delivery = (await dependencies.approvals.read(approval))?.delivery;
  if (delivery === undefined) return { taken: false, sentence: "This canary is not known any more." };
  const person = { user: user.id, name: user.name, via: "slack" as const };
  const result = await giveCanaryOrder(dependencies)(delivery, order, person);
  if (result.taken) await finishLater(dependencies, approval);
  return result;
};

const isStored = ({ result }: VoteResult): boolean =>
  result === "decided" || result === "counted" || result === "postponed";

/** The vote is stored: if the follow-up cannot start, the sweep finishes it within minutes, and Slack need not know. */
const finishLater = async (
  { startFollowUp, warn }: AnswerApprovalDependencies,
  approval: string,
): Promise<void> => {
  try {
    await startFollowUp({ followUp: "finish-approval", approval, explainTo: null });
  } catch (error) {
    warn("could not start the rest of an approval's work; the sweep does it", error, { approval });
  }
};
