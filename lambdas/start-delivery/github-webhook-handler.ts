import { parseGitHubPush } from "./parse-github-push.ts";
import type { Push } from "./push.ts";
import type { StartDeliveryOutput } from "./start-delivery.ts";
import { verifyGitHubSignature } from "./verify-github-signature.ts";

type Needs = {
  /** One secret, or two during a rotation. */
  readonly secrets: () => Promise<readonly string[]>;
  readonly push: (push: Push) => Promise<StartDeliveryOutput>;
};
type WebhookRequest = {
  readonly rawBody: Uint8Array;
  readonly headers: Readonly<Record<string, string | undefined>>;
};
type WebhookResponse = { readonly status: number; readonly body: string };

/** GitHub sends up to 25 MB, a function's event carries 6 MB; a push of 2,048 commits is smaller than this. */
const maxWebhookBytes = 5_000_000;

const parseJson = (rawBody: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(rawBody));
  } catch {
    return undefined;
  }
};

/**
 * Handles a GitHub webhook (content type application/json): measures and verifies the raw bytes before it parses them.
 * A request carries no time, so a replay looks like the first; it starts nothing, because a push's executions have its
 * names.
 */
export const createGitHubWebhookHandler =
  ({ secrets, push }: Needs) =>
  async ({ rawBody, headers }: WebhookRequest): Promise<WebhookResponse> => {
    const header = (name: string) => Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
    if (rawBody.byteLength > maxWebhookBytes) return { status: 413, body: "the request is too large" };
    if (!verifyGitHubSignature(rawBody, header("x-hub-signature-256"), await secrets()))
      return { status: 401, body: "the signature does not match" };
    const event = header("x-github-event");
    if (event === "ping") return { status: 200, body: "pong" };
    if (event !== "push") return { status: 202, body: "only pushes start deliveries" };
    const githubPush = parseGitHubPush(parseJson(rawBody));
    if (!githubPush)
      return {
        status: 400,
        body: "the body is no push that this function knows; the webhook's content type has to be application/json",
      };
    return { status: 202, body: JSON.stringify(await push(githubPush)) };
  };
