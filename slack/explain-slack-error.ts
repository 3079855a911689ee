import { ErrorCode } from "@slack/web-api";
import * as z from "zod";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** Errors of @slack/web-api. https://docs.slack.dev/tools/node-slack-sdk/web-api#handling-errors */
const SlackError = z.discriminatedUnion("code", [
  z.object({
    code: z.literal(ErrorCode.PlatformError),
    data: z.object({ error: z.string(), needed: z.string().optional() }),
  }),
  z.object({ code: z.literal(ErrorCode.RateLimitedError), retryAfter: z.number() }),
  z.object({ code: z.literal(ErrorCode.HTTPError), statusCode: z.number() }),
  z.object({ code: z.literal(ErrorCode.RequestError) }),
]);

export type SlackProblem = {
  /** Slack's name of the error; null: Slack did not get to one. */
  readonly error: string | null;
  /** What happened, without a full stop. */
  readonly what: string;
  /** What to do, as sentences. */
  readonly remedy: string;
};

const waits =
  "It is tried again within minutes. Meanwhile `slipway approve` and `slipway reject` decide without Slack.";
const archived = {
  what: "the channel is archived",
  remedy:
    "Unarchive it in Slack; or set slack.channel in terraform/config.ts to another one and apply the stack `delivery`.",
};
const invite = "Invite the app there: /invite @<the app's name>.";
const refusedToken = {
  what: "Slack refuses the bot's token",
  remedy: "Install the app in the workspace, and set SLACK_BOT_TOKEN to its bot token (xoxb-…).",
};

/** Errors that a person can end. https://docs.slack.dev/reference/methods/chat.postMessage#errors */
const explanations: Readonly<Record<string, { readonly what: string; readonly remedy: string }>> = {
  is_archived: archived,
  // chat.update says so of a message in an archived channel.
  is_inactive: archived,
  not_in_channel: { what: "the app is not a member of the channel", remedy: invite },
  channel_not_found: {
    what: "Slack knows no such channel, or it is private and the app is not a member",
    remedy: `${invite} Or correct slack.channel in terraform/config.ts, the channel's id at the end of its link, and apply the stack \`delivery\`.`,
  },
  invalid_auth: refusedToken,
  not_authed: refusedToken,
  account_inactive: refusedToken,
  token_revoked: refusedToken,
  token_expired: refusedToken,
  expired_trigger_id: {
    what: "more than three seconds had passed since the click",
    remedy: "Click again.",
  },
  ratelimited: { what: "Slack limits the app's calls for a while", remedy: waits },
};

const explainName = (error: string, needed: string | undefined): Omit<SlackProblem, "error"> => {
  if (error === "missing_scope")
    return {
      what: `the app lacks the scope ${needed ?? "of this call"}`,
      remedy: "Add it to the Slack app, reinstall the app, and set SLACK_BOT_TOKEN to the new token.",
    };
  return (
    getOwnProperty(explanations, error) ?? {
      what: `Slack says ${error}`,
      remedy: "`slipway doctor slack` checks the token, its scopes and the channel.",
    }
  );
};

/** What an error of Slack's client means to a person; undefined: it is not one. Contains no token and no address. */
export const explainSlackError = (thrown: unknown): SlackProblem | undefined => {
  const parsed = SlackError.safeParse(thrown);
  if (!parsed.success) return undefined;
  const error = parsed.data;
  switch (error.code) {
    case ErrorCode.PlatformError: {
      const name = error.data.error.slice(0, 60);
      return { error: name, ...explainName(name, error.data.needed?.slice(0, 60)) };
    }
    case ErrorCode.RateLimitedError:
      return { error: "ratelimited", ...explainName("ratelimited", undefined) };
    case ErrorCode.HTTPError:
      return { error: null, what: `Slack answered with status ${error.statusCode}`, remedy: waits };
    case ErrorCode.RequestError:
      return { error: null, what: "Slack did not respond", remedy: waits };
    default:
      return error satisfies never;
  }
};
