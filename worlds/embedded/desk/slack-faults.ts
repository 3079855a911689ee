/** How a call of Slack's Web API goes wrong. */
export type SlackFault =
  /** HTTP 200 with `ok: false`. https://docs.slack.dev/reference/methods lists each method's errors. */
  | { readonly kind: "error"; readonly error: string }
  /** HTTP 429; null: without the header that says how long. https://docs.slack.dev/apis/web-api/rate-limits */
  | { readonly kind: "rate limited"; readonly retryAfterSeconds: number | null }
  /** A page instead of JSON, as a load balancer or a proxy sends it. */
  | { readonly kind: "status"; readonly status: 200 | 500 | 502 | 503 }
  /** No response: the caller's time limit ends the call. */
  | { readonly kind: "no response" }
  /** The same, but the call has taken effect. */
  | { readonly kind: "lost response" };

/** The fault of a call; undefined: it goes on. Tests set it. */
export type FindSlackFault = (call: {
  /** For example chat.postMessage. */
  readonly method: string;
  readonly channel: string | undefined;
  /** The types of its blocks, for example section. */
  readonly blocks: readonly string[];
}) => SlackFault | undefined;
