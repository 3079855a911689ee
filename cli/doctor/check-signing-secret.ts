import type { Secrets } from "#platform/secrets/secrets.ts";
import { signSlackRequest } from "#worlds/embedded/desk/sign-slack-request.ts";
import type { DoctorFinding } from "./finding.ts";

/** A form that decides nothing: answer-approval refuses it with status 400, but only after its signature. */
const body = "payload=%7B%7D";

/**
 * Signs a request that decides nothing as Slack does, and checks that the running function accepts the signature. So it
 * has the same secret; whether Slack has it too, only a click shows.
 * @param clock epoch milliseconds
 */
export const checkSigningSecret = async (
  {
    secrets,
    fetch,
    clock,
  }: { readonly secrets: Secrets; readonly fetch: typeof globalThis.fetch; readonly clock: () => number },
  url: string | undefined,
): Promise<DoctorFinding | undefined> => {
  const secret = await secrets.read("SLACK_SIGNING_SECRET").catch(() => undefined);
  if (url === undefined || secret === undefined || secret.startsWith("unset-")) return undefined;
  const seconds = Math.floor(clock() / 1_000);
  const { status } = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": String(seconds),
      "x-slack-signature": signSlackRequest(secret, seconds, body),
    },
    body,
    signal: AbortSignal.timeout(10_000),
  });
  if (status === 400) return { status: "ok", sentence: `${url} accepts what SLACK_SIGNING_SECRET signs.` };
  return {
    status: "missing",
    sentence:
      status === 401
        ? `${url} refuses what SLACK_SIGNING_SECRET signs.`
        : `${url} returned status ${status} to a signed request, not 400.`,
    remedy:
      "A function reads a changed secret within five minutes: wait and run this again. Check this machine's clock. Otherwise look into the log of answer-approval.",
  };
};
