import cvss from "ae-cvss-calculator";
import type { Advisory } from "./advisories.ts";
import type { Severity } from "./images.ts";

const { Cvss3P0, Cvss3P1, Cvss4P0 } = cvss;

const severityWords: ReadonlyMap<string, Severity> = new Map([
  ["CRITICAL", "critical"],
  ["HIGH", "high"],
  ["MODERATE", "medium"],
  ["MEDIUM", "medium"],
  ["LOW", "low"],
]);

/** https://www.first.org/cvss/v3.1/specification-document, section 5: the qualitative scale, also of 4.0. */
const rateScore = (score: number): Severity =>
  score >= 9 ? "critical" : score >= 7 ? "high" : score >= 4 ? "medium" : score > 0 ? "low" : "unknown";

const scoreVector = (vector: string): number => {
  if (vector.startsWith("CVSS:4.0/")) return new Cvss4P0(vector).calculateScores().overall;
  if (vector.startsWith("CVSS:3.1/")) return new Cvss3P1(vector).calculateScores().base ?? 0;
  if (vector.startsWith("CVSS:3.0/")) return new Cvss3P0(vector).calculateScores().base ?? 0;
  return 0;
};

/**
 * An advisory's severity: the one that its database states, otherwise the highest of its CVSS scores. Malicious packages
 * (`MAL-…`, https://github.com/ossf/malicious-packages) have neither and are critical.
 */
export const rateSeverity = (advisory: Advisory): Severity => {
  const stated = severityWords.get(advisory.database_specific?.severity?.toUpperCase() ?? "");
  if (stated) return stated;
  if (advisory.id.startsWith("MAL-")) return "critical";
  const scores = (advisory.severity ?? []).map(({ score }) => {
    try {
      return scoreVector(score);
    } catch {
      return 0;
    }
  });
  return rateScore(Math.max(0, ...scores));
};
