import type { Deployment } from "./ledger.ts";

/**
 * Why an entry ended before it was promoted, as a sentence without a final period: who aborted its canary and why, or which
 * checks failed. Undefined: it did not end, or nothing says why.
 * @param nameOf the display name of a Slack user; undefined: as the order has it
 */
export const describeEnd = (
  { status, orders, checks }: Pick<Deployment, "status" | "orders" | "checks">,
  nameOf: (user: string) => string | undefined = () => undefined,
): string | undefined => {
  if (status !== "ended") return undefined;
  const abort = orders.findLast(({ kind }) => kind === "abort");
  if (abort) return `aborted by ${nameOf(abort.by) ?? abort.name}: ${abort.reason ?? ""}`;
  const failed = checks.filter(({ verdict }) => verdict === "fail").map(({ name }) => name);
  return failed.length === 0 ? undefined : `failed: ${failed.join(", ")}`;
};
