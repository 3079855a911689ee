import * as z from "zod";
import type { Secrets } from "#platform/secrets/secrets.ts";

const Response = z.looseObject({
  ok: z.boolean(),
  error: z.string().optional(),
  /** With missing_scope: what the method needs. */
  needed: z.string().optional(),
});

/** Errors of the token itself, which `check-slack.ts` reports. */
const tokenErrors = new Set([
  "invalid_auth",
  "not_authed",
  "account_inactive",
  "token_revoked",
  "token_expired",
]);

export type SlackNeeds = {
  readonly secrets: Secrets;
  readonly fetch: typeof fetch;
  /** Another address of Slack's Web API, with a final slash. */
  readonly apiUrl?: string | undefined;
};

export type SlackResponse = z.infer<typeof Response> & {
  /** The token's scopes, from the header x-oauth-scopes; undefined: Slack did not say. */
  readonly scopes: readonly string[] | undefined;
};

/**
 * Calls a method of Slack's Web API. Undefined where there is no token, or Slack refuses it: another check reports that.
 * https://docs.slack.dev/apis/web-api/
 */
export const callSlack = async (
  { secrets, fetch, apiUrl = "https://slack.com/api/" }: SlackNeeds,
  method: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<SlackResponse | undefined> => {
  const token = await secrets.read("SLACK_BOT_TOKEN").catch(() => undefined);
  if (token === undefined || token.startsWith("unset-")) return undefined;
  const response = await fetch(`${apiUrl}${method}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: new URLSearchParams(parameters),
    signal: AbortSignal.timeout(10_000),
  });
  const body = Response.parse(await response.json());
  if (!body.ok && tokenErrors.has(body.error ?? "")) return undefined;
  const scopes = response.headers.get("x-oauth-scopes");
  return { ...body, scopes: scopes?.split(",").map((scope) => scope.trim()) };
};
