import type { AuditEntry } from "./audit-entry.ts";

const ways: ReadonlyMap<unknown, string> = new Map([
  ["slack", "in Slack"],
  ["command", "by the command line"],
  ["console", "on the canary's page"],
]);

/** How an answer or order came: `by the command line, as arn:…`. Undefined: its record does not say it. */
export const describeOrigin = ({ via, account }: AuditEntry["detail"]): string | undefined => {
  const way = ways.get(via);
  return way === undefined || typeof account !== "string" ? way : `${way}, as ${account}`;
};
