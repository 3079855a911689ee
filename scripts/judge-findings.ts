import * as z from "zod";
import type { Finding } from "#platform/images/images.ts";

/** A known vulnerability that is accepted until a date, with the reason. */
export const AuditException = z.strictObject({
  /** The advisory's id in OSV. */
  id: z.string().min(1),
  package: z.string().min(1),
  reason: z.string().min(20, "explain in a sentence why the product is not affected"),
  /** The last day of the exception. */
  until: z.iso.date(),
});
export type AuditException = z.infer<typeof AuditException>;

type AuditResult = {
  /** Sentences with the reasons for failing; empty: the audit passes. */
  readonly failures: readonly string[];
  /** Findings and exceptions that do not fail the audit. */
  readonly notes: readonly string[];
};

const failingSeverities: ReadonlySet<Finding["severity"]> = new Set(["high", "critical", "unknown"]);
/** An exception bridges the time until a fix exists, at most a quarter. */
const maxExceptionDays = 92;
const dayMs = 86_400_000;

/**
 * Judges findings: high, critical and unrated ones fail without a valid exception. An exception that has expired or
 * lasts too long fails, too, so that none is forgotten; an unneeded one is a note.
 * @param today `2026-11-28`
 */
export const judgeFindings = (
  findings: readonly Finding[],
  exceptions: readonly AuditException[],
  today: string,
): AuditResult => {
  const failures: string[] = [];
  const notes: string[] = [];
  for (const { id, package: name, version, severity, summary, fixedIn } of findings) {
    const description = `${name} ${version}: ${severity} ${id}${summary === "" ? "" : `, ${summary}`}`;
    const remedy = fixedIn === undefined ? "no version fixes it yet" : `fixed in ${fixedIn}`;
    const exception = exceptions.find((candidate) => candidate.id === id && candidate.package === name);
    if (!failingSeverities.has(severity)) notes.push(`${description} (${remedy})`);
    else if (!exception)
      failures.push(
        `${description}. Update it (${remedy}), or add a dated exception to supply-chain/exceptions.yaml.`,
      );
    else if (exception.until >= today)
      notes.push(`${description}: accepted until ${exception.until}, ${exception.reason}`);
  }
  for (const { id, package: name, until } of exceptions) {
    const label = `the exception for ${id} in ${name}`;
    if (until < today)
      failures.push(`${label} ended on ${until}: update the package, or renew the exception with a reason.`);
    else if (Date.parse(until) - Date.parse(today) > maxExceptionDays * dayMs)
      failures.push(`${label} lasts until ${until} (limit ${maxExceptionDays} days from now).`);
    if (!findings.some((finding) => finding.id === id && finding.package === name))
      notes.push(`${label} is no longer needed: remove it.`);
  }
  return { failures, notes };
};
