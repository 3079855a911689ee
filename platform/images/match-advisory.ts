import semver from "semver";
import type { Advisory, Affected } from "./advisories.ts";

type Event = NonNullable<Affected["ranges"]>[number]["events"][number];

/** Compares versions by SemVer 2.0.0; OSV's "0" comes before every version. */
const compareVersions = (a: string, b: string): number => {
  if (a === "0" || b === "0") return a === b ? 0 : a === "0" ? -1 : 1;
  return semver.compare(a, b, { loose: true });
};

const readEventVersion = (event: Event) =>
  event.introduced ?? event.fixed ?? event.last_affected ?? event.limit ?? "0";

/** At the same version, `introduced` comes first, so that a range whose fix is its first version is empty. */
const compareEvents = (a: Event, b: Event) =>
  compareVersions(readEventVersion(a), readEventVersion(b)) ||
  Number(b.introduced !== undefined) - Number(a.introduced !== undefined);

const isInRange = (version: string, events: readonly Event[]): boolean => {
  const limits = events.flatMap(({ limit }) => (limit === undefined || limit === "*" ? [] : [limit]));
  if (limits.length > 0 && !limits.some((limit) => compareVersions(version, limit) < 0)) return false;
  let vulnerable = false;
  for (const event of events.filter(({ limit }) => limit === undefined).toSorted(compareEvents)) {
    if (event.introduced !== undefined && compareVersions(version, event.introduced) >= 0) vulnerable = true;
    else if (event.fixed !== undefined && compareVersions(version, event.fixed) >= 0) vulnerable = false;
    else if (event.last_affected !== undefined && compareVersions(version, event.last_affected) > 0)
      vulnerable = false;
  }
  return vulnerable;
};

const isVersionAffected = (affected: Affected, version: string): boolean => {
  if (affected.versions?.includes(version)) return true;
  return (affected.ranges ?? []).some((range) => {
    if (range.type === "GIT") return false;
    try {
      return isInRange(version, range.events);
    } catch {
      // If a version cannot be compared, report it rather than miss a vulnerability.
      return true;
    }
  });
};

/** The parts of an advisory that apply to this version of this package. */
export const findAffectedParts = (advisory: Advisory, name: string, version: string): readonly Affected[] =>
  advisory.withdrawn !== undefined
    ? []
    : (advisory.affected ?? []).filter(
        (affected) =>
          affected.package?.ecosystem === "npm" &&
          affected.package.name === name &&
          isVersionAffected(affected, version),
      );

/**
 * Whether an advisory applies to a version of an npm package, by the evaluation that the OSV schema defines:
 * https://ossf.github.io/osv-schema/#evaluation. A withdrawn advisory applies to nothing.
 */
export const isAffected = (advisory: Advisory, name: string, version: string): boolean =>
  findAffectedParts(advisory, name, version).length > 0;

/** The lowest version above `version` that fixes the affected parts; undefined if no fix is known. */
export const findFixedVersion = (parts: readonly Affected[], version: string): string | undefined =>
  parts
    .flatMap(({ ranges = [] }) => ranges)
    .filter(({ type }) => type !== "GIT")
    .flatMap(({ events }) => events.flatMap(({ fixed }) => fixed ?? []))
    .filter((fixed) => semver.valid(fixed, { loose: true }) && compareVersions(fixed, version) > 0)
    .sort(compareVersions)[0];
