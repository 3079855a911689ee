import type { ConsoleLinks } from "./console-links.ts";

/** What every renderer gets beside its facts. */
export type Context = {
  readonly links: ConsoleLinks;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Whether this world keeps an audit trail. */
  readonly hasAudit: boolean;
};
