import type { Scan } from "#platform/images/images.ts";
import { formatCount } from "./number-format.ts";
import type { Check } from "./verdict.ts";

type CompleteScan = Extract<Scan, { status: "complete" }>;

const maxListedFindings = 3;

/** The findings that count, in words: the first few by name, with what fixes them. */
const listFindings = (findings: CompleteScan["findings"]): string => {
  const words = findings
    .slice(0, maxListedFindings)
    .map(
      ({ id, package: name, version, fixedIn }) =>
        `${name} ${version} (${id}${fixedIn === undefined ? "" : `, fixed in ${fixedIn}`})`,
    );
  const more = findings.length - words.length;
  return [...words, ...(more > 0 ? [`${more} more`] : [])].join(", ");
};

/**
 * The scan's counts against the limits, one check for each severity that has one. A finding without a
 * severity could have any, and packages of an ecosystem without advisories could have findings: both leave
 * a count that is within its limit inconclusive, never passed.
 */
export const checkScan = ({
  scan,
  limits,
}: {
  readonly scan: CompleteScan;
  readonly limits: { readonly critical: number; readonly high: number };
}): Check[] => {
  const packages = Object.values(scan.scanned).reduce((sum, count) => sum + count, 0);
  const unrated = scan.findings.filter(({ severity }) => severity === "unknown");
  const asOf =
    scan.advisoriesAsOf === undefined ? "" : `, advisories as of ${scan.advisoriesAsOf.slice(0, 10)}`;
  return (["critical", "high"] as const).map((severity): Check => {
    const findings = scan.findings.filter((finding) => finding.severity === severity);
    const limit = limits[severity];
    const doubts = [
      ...(scan.unknownEcosystems.length > 0
        ? [`no advisories are loaded for ${scan.unknownEcosystems.join(", ")}`]
        : []),
      ...(packages === 0 ? ["no package was looked up"] : []),
      ...(findings.length + unrated.length > limit && unrated.length > 0
        ? [
            `${formatCount(unrated.length, "finding")} without a severity could be ${severity}: ${listFindings(unrated)}`,
          ]
        : []),
    ];
    const over = findings.length > limit;
    return {
      name: `${severity} vulnerabilities`,
      verdict: over ? "fail" : doubts.length > 0 ? "inconclusive" : "pass",
      measured: findings.length,
      limit,
      unit: "findings",
      detail: `${formatCount(findings.length, `${severity} finding`)} in ${formatCount(packages, "package")}${asOf}, at most ${limit} allowed${findings.length > 0 ? `: ${listFindings(findings)}` : ""}${doubts.length > 0 ? `; ${doubts.join("; ")}` : ""}.`,
    };
  });
};
