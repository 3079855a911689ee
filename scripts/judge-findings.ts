import * as z from "zod";
import type { Finding } from "#platform/images/images.ts";

/** Why a known weakness is lived with, and until when. */
export const AuditException = z.strictObject({
  /** The advisory's id, as OSV has it. */
  id: z.string().min(1),
  package: z.string().min(1),
  reason: z.string().min(20, "say in a sentence why the product is not harmed by it"),
  /** The last day on which it holds. */
  until: z.iso.date(),
});
export type AuditException = z.infer<typeof AuditException>;

type AuditResult = {
  /** Why the audit fails, each in a sentence; none: it passes. */
  readonly failures: readonly string[];
  /** What a person should read all the same. */
  readonly notes: readonly string[];
};

const failingSeverities: ReadonlySet<Finding["severity"]> = new Set(["high", "critical", "unknown"]);
/** An exception is for the time until a fix is there, and no longer than a quarter. */
const maxExceptionDays = 92;
const dayMs = 86_400_000;

/**
 * Whether findings fail: high, critical and those that nobody rated do, without an exception of that day. An exception
 * that is over, that lasts too long or that nothing needs any more fails too, so that none is forgotten.
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
    const about = `${name} ${version}: ${severity} ${id}${summary === "" ? "" : `, ${summary}`}`;
    const remedy = fixedIn === undefined ? "no version fixes it yet" : `fixed in ${fixedIn}`;
    const exception = exceptions.find((one) => one.id === id && one.package === name);
    if (!failingSeverities.has(severity)) notes.push(`${about} (${remedy})`);
    else if (!exception)
      failures.push(
        `${about}. Update it (${remedy}), or add a dated exception to supply-chain/exceptions.yaml.`,
      );
    else if (exception.until >= today)
      notes.push(`${about}: excepted until ${exception.until}, ${exception.reason}`);
  }
  for (const { id, package: name, until } of exceptions) {
    const what = `the exception for ${id} in ${name}`;
    if (until < today) failures.push(`${what} ended on ${until}: update the package, or say anew why not.`);
    else if (Date.parse(until) - Date.parse(today) > maxExceptionDays * dayMs)
      failures.push(`${what} lasts until ${until}: at most ${maxExceptionDays} days from now.`);
    if (!findings.some((finding) => finding.id === id && finding.package === name))
      notes.push(`${what} is needed no more: remove it.`);
  }
  return { failures, notes };
};
