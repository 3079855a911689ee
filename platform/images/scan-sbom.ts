import * as z from "zod";
import type { Advisories } from "./advisories.ts";
import type { Finding, Scan } from "./images.ts";
import { findAffectedParts, findFixedVersion } from "./match-advisory.ts";
import { rateSeverity } from "./rate-severity.ts";

const Bom = z.looseObject({
  components: z.array(z.looseObject({ purl: z.string().optional() })).default([]),
});

type Component = { readonly ecosystem: string; readonly name: string; readonly version: string };

/** `pkg:npm/%40scope/name@1.2.3?qualifiers#path`; undefined where it is no package URL with a version. */
const readPurl = (purl: string): Component | undefined => {
  const parts = purl.match(/^pkg:([A-Za-z0-9.+-]+)\/([^?#]+)@([^?#@]+)/);
  if (!parts) return undefined;
  const [, ecosystem = "", name = "", version = ""] = parts;
  try {
    return {
      ecosystem: ecosystem.toLowerCase(),
      name: decodeURIComponent(name),
      version: decodeURIComponent(version),
    };
  } catch {
    return undefined;
  }
};

const findVulnerabilities = ({ name, version }: Component, { advisories }: Advisories): Finding[] =>
  advisories.flatMap((advisory) => {
    const parts = findAffectedParts(advisory, name, version);
    if (parts.length === 0) return [];
    const fixedIn = findFixedVersion(parts, version);
    return {
      id: advisory.id,
      package: name,
      version,
      severity: rateSeverity(advisory),
      summary: advisory.summary ?? "",
      ...(fixedIn !== undefined && { fixedIn }),
    };
  });

/**
 * Looks up the packages of a CycloneDX document in what is known of vulnerable ones. An ecosystem counts as
 * unknown where no advisories were loaded for it, and where they do not cover each of its packages.
 */
export const scanSbom = (sbom: string, advisories: Advisories | undefined): Scan & { status: "complete" } => {
  const components = Bom.parse(JSON.parse(sbom)).components.flatMap(({ purl }) => {
    const read = purl === undefined ? undefined : readPurl(purl);
    return read ?? [];
  });
  const covered = advisories?.packages && new Set(advisories.packages);
  const scanned: Record<string, number> = {};
  const unknown = new Set<string>();
  const findings: Finding[] = [];
  for (const component of components) {
    const known =
      advisories?.ecosystem === component.ecosystem && (covered === undefined || covered.has(component.name));
    if (!advisories || !known) {
      unknown.add(component.ecosystem);
      continue;
    }
    scanned[component.ecosystem] = (scanned[component.ecosystem] ?? 0) + 1;
    findings.push(...findVulnerabilities(component, advisories));
  }
  return {
    status: "complete",
    findings,
    scanned,
    unknownEcosystems: [...unknown].sort(),
    ...(advisories && { advisoriesAsOf: advisories.asOf }),
  };
};
