import { ErrorCode } from "@slack/web-api";
import * as z from "zod";
import { explainSlackErrorName, type SlackExplanation, waits } from "./explain-slack-error-name.ts";

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

/** Of a status 429 without the header that says how long; the client gives it no code. */
const RateLimitedWithoutTime = z.object({ message: z.string().startsWith("Retry header did not contain") });

export type SlackProblem = SlackExplanation & {
  /** Slack's name of the error; null: Slack did not get to one. */
  readonly error: string | null;
};

/** What an error of Slack's client means to a person; undefined: it is not one. Contains no token and no address. */
export const explainSlackError = (thrown: unknown): SlackProblem | undefined => {
  const parsed = SlackError.safeParse(thrown);
  if (!parsed.success)
    return RateLimitedWithoutTime.safeParse(thrown).success
      ? { error: "ratelimited", ...explainSlackErrorName("ratelimited", undefined) }
      : undefined;
  const error = parsed.data;
  switch (error.code) {
    case ErrorCode.PlatformError: {
      const name = error.data.error.slice(0, 60);
      // The client takes a body that is no JSON for the name of an error.
      if (!/^[\w.:-]+$/.test(name))
        return { error: null, what: "Slack's response cannot be read", remedy: waits };
      return { error: name, ...explainSlackErrorName(name, error.data.needed?.slice(0, 60)) };
    }
    case ErrorCode.RateLimitedError:
      return { error: "ratelimited", ...explainSlackErrorName("ratelimited", undefined) };
    case ErrorCode.HTTPError:
      return { error: null, what: `Slack answered with status ${error.statusCode}`, remedy: waits };
    case ErrorCode.RequestError:
      return { error: null, what: "Slack did not respond", remedy: waits };
    default:
      return error satisfies never;
  }
};
