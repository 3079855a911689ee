import type { Scan } from "#platform/images/images.ts";
import { formatCount } from "./number-format.ts";
import type { Check, CheckResults } from "./verdict.ts";

type CompleteScan = Extract<Scan, { status: "complete" }>;

const maxListedFindings = 3;

const listFindings = (findings: CompleteScan["findings"]): string => {
  const listed = findings
    .slice(0, maxListedFindings)
    .map(
      ({ id, package: name, version, fixedIn }) =>
        `${name} ${version} (${id}${fixedIn === undefined ? "" : `, fixed in ${fixedIn}`})`,
    );
  const more = findings.length - listed.length;
  return [...listed, ...(more > 0 ? [`${more} more`] : [])].join(", ");
};

/**
 * One check for each severity with a limit. A finding without a severity may have any, and a package without advisories
 * may have findings: both make a count within its limit inconclusive. Without any advisories nothing was checked.
 */
export const checkScan = ({
  scan,
  limits,
}: {
  readonly scan: CompleteScan;
  readonly limits: { readonly critical: number; readonly high: number };
}): CheckResults => {
  const packages = Object.values(scan.scanned).reduce((sum, count) => sum + count, 0);
  if (packages === 0 && scan.findings.length === 0 && scan.unknownEcosystems.length > 0)
    return {
      checks: [],
      omitted: [
        {
          name: "vulnerabilities",
          why: `no advisories for ${scan.unknownEcosystems.join(", ")}`,
          ...(scan.remedy === undefined ? {} : { remedy: scan.remedy }),
        },
      ],
    };
  const unrated = scan.findings.filter(({ severity }) => severity === "unknown");
  const asOf =
    scan.advisoriesAsOf === undefined ? "" : `; advisories as of ${scan.advisoriesAsOf.slice(0, 10)}`;
  const checks = (["critical", "high"] as const).map((severity): Check => {
    const findings = scan.findings.filter((finding) => finding.severity === severity);
    const limit = limits[severity];
    const doubts = [
      ...(scan.unknownEcosystems.length > 0
        ? [
            `no advisories for ${scan.unknownEcosystems.join(", ")}${scan.remedy === undefined ? "" : `. ${scan.remedy.replace(/\.$/, "")}`}`,
          ]
        : []),
      ...(packages === 0 ? ["no package was scanned"] : []),
      ...(findings.length + unrated.length > limit && unrated.length > 0
        ? [
            `${formatCount(unrated.length, "finding")} without a severity may be ${severity}: ${listFindings(unrated)}`,
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
      detail: `${formatCount(findings.length, `${severity} finding`)} in ${formatCount(packages, "package")} (limit ${limit}${asOf})${findings.length > 0 ? `: ${listFindings(findings)}` : ""}${doubts.length > 0 ? `; ${doubts.join("; ")}` : ""}`,
    };
  });
  return { checks, omitted: [] };
};
