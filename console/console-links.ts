import type { Environment } from "#platform/serving/serving.ts";

/** What differs between the worlds: where the pages are and what lies beside them. What a world lacks, no page shows. */
export type ConsoleLinks = {
  /** The path before every page, without a trailing slash: `/console`, or empty. */
  readonly base: string;
  /** Where approvers answer. */
  readonly channel?: { readonly label: string; readonly href: string };
  /** The message in which a delivery's question is answered. */
  readonly message?: (delivery: string) => string | undefined;
  readonly apiDocs?: (environment: Environment, model: string) => string;
  /** Where the model's prediction records are read. */
  readonly records?: (model: string) => string;
  /** Where a form ends the session; absent: nobody signs in here. */
  readonly signOut?: string;
  /** A `slipway` command as it is typed here: `slipway rollback churn`. */
  readonly command: (command: string) => string;
  /** Address of the server-sent events `changed`; absent: pages ask again by themselves. */
  readonly events?: string;
  /** Where a canary takes orders, and in which names; absent: pages have no such forms. */
  readonly orders?: {
    readonly path: (delivery: string, order: "hold" | "end-hold" | "go" | "abort") => string;
    readonly people: readonly { readonly user: string; readonly name: string }[];
  };
  /** The display name of a Slack user. */
  readonly userName?: (id: string) => string | undefined;
};
