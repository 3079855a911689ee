import * as z from "zod";
import type { Advisories } from "./advisories.ts";
import type { Finding, Scan } from "./images.ts";
import { findAffectedParts, findFixedVersion } from "./match-advisory.ts";
import { rateSeverity } from "./rate-severity.ts";

const Bom = z.looseObject({
  components: z.array(z.looseObject({ purl: z.string().optional() })).default([]),
});

type Component = { readonly ecosystem: string; readonly name: string; readonly version: string };

/** `pkg:npm/%40scope/name@1.2.3?qualifiers#path`; undefined if it is not a package URL with a version. */
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
 * Looks up the packages of a CycloneDX document in the advisories. An ecosystem is unknown without advisories, and if
 * these do not cover each of its packages.
 */
export const scanSbom = (sbom: string, advisories: Advisories | undefined): Scan & { status: "complete" } => {
  const components = Bom.parse(JSON.parse(sbom)).components.flatMap(({ purl }) => {
    const component = purl === undefined ? undefined : readPurl(purl);
    return component ?? [];
  });
  const coveredPackages = advisories?.packages && new Set(advisories.packages);
  const scanned: Record<string, number> = {};
  const unknownEcosystems = new Set<string>();
  const findings: Finding[] = [];
  for (const component of components) {
    const isCovered =
      advisories?.ecosystem === component.ecosystem &&
      (coveredPackages === undefined || coveredPackages.has(component.name));
    if (!advisories || !isCovered) {
      unknownEcosystems.add(component.ecosystem);
      continue;
    }
    scanned[component.ecosystem] = (scanned[component.ecosystem] ?? 0) + 1;
    findings.push(...findVulnerabilities(component, advisories));
  }
  return {
    status: "complete",
    findings,
    scanned,
    unknownEcosystems: [...unknownEcosystems].sort(),
    ...(advisories
      ? { advisoriesAsOf: advisories.asOf }
      : { remedy: "Load them with npm run advisories, and deliver again." }),
  };
};
