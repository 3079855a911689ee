import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { type Advisories, Advisory } from "./advisories.ts";
import { findAffectedParts, findFixedVersion, isAffected } from "./match-advisory.ts";
import { rateSeverity } from "./rate-severity.ts";
import { scanSbom } from "./scan-sbom.ts";

const minimist = Advisory.parse(
  JSON.parse(await readFile(new URL("./fixtures/GHSA-xvch-5gv4-984h.json", import.meta.url), "utf8")),
);

type Event = Record<string, string>;
const createAdvisory = (events: readonly Event[], over: object = {}, type = "SEMVER") =>
  Advisory.parse({
    id: "GHSA-test",
    modified: "2026-01-01T00:00:00Z",
    affected: [{ package: { ecosystem: "npm", name: "pkg" }, ranges: [{ type, events }] }],
    ...over,
  });
const createBom = (...purls: string[]) =>
  JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.6", components: purls.map((purl) => ({ purl })) });
const createAdvisories = (advisories: readonly Advisory[], packages?: string[]): Advisories => ({
  asOf: "2026-11-01T00:00:00Z",
  ecosystem: "npm",
  advisories: [...advisories],
  ...(packages && { packages }),
});

describe("an advisory applies by OSV's evaluation", () => {
  test.each([
    ["0.2.3", true],
    ["0.2.4", false],
    ["0.9.9", false],
    ["1.0.0", true],
    ["1.2.5", true],
    ["1.2.6", false],
    ["1.2.6-rc.1", true],
    ["2.0.0", false],
  ])("minimist %s: %s", (version, expected) => {
    expect(isAffected(minimist, "minimist", version)).toBe(expected);
    expect(isAffected(minimist, "minimist-other", version)).toBe(false);
  });

  test("last_affected is affected, later versions are not", () => {
    const record = createAdvisory([{ introduced: "1.0.0" }, { last_affected: "1.5.0" }]);
    expect(["0.9.0", "1.5.0", "1.5.1"].map((version) => isAffected(record, "pkg", version))).toEqual([
      false,
      true,
      false,
    ]);
  });

  test("events are sorted by version, not by their order in the file", () => {
    const record = createAdvisory([
      { fixed: "3.1.0" },
      { introduced: "3.0.0" },
      { fixed: "1.2.0" },
      { introduced: "0" },
    ]);
    const affected = ["1.1.0", "1.2.0", "2.0.0", "3.0.0", "3.1.0"].map((version) =>
      isAffected(record, "pkg", version),
    );
    expect(affected).toEqual([true, false, false, true, false]);
  });

  test("a listed version is affected even if no range includes it", () => {
    const record = Advisory.parse({
      id: "X",
      modified: "2026-01-01T00:00:00Z",
      affected: [{ package: { ecosystem: "npm", name: "pkg" }, versions: ["4.4.4"] }],
    });
    expect(isAffected(record, "pkg", "4.4.4")).toBe(true);
    expect(isAffected(record, "pkg", "4.4.5")).toBe(false);
  });

  test("a limit ends a range; commit ranges and other ecosystems do not affect npm versions", () => {
    expect(isAffected(createAdvisory([{ introduced: "0" }, { limit: "2.0.0" }]), "pkg", "2.0.0")).toBe(false);
    expect(isAffected(createAdvisory([{ introduced: "0" }, { limit: "2.0.0" }]), "pkg", "1.9.9")).toBe(true);
    expect(isAffected(createAdvisory([{ introduced: "0" }], {}, "GIT"), "pkg", "1.0.0")).toBe(false);
    const python = { affected: [{ package: { ecosystem: "PyPI", name: "pkg" }, versions: ["1.0.0"] }] };
    expect(isAffected(createAdvisory([], python), "pkg", "1.0.0")).toBe(false);
  });

  test("a withdrawn advisory applies to nothing", () => {
    const record = createAdvisory([{ introduced: "0" }], { withdrawn: "2026-02-01T00:00:00Z" });
    expect(isAffected(record, "pkg", "1.0.0")).toBe(false);
  });

  test("a version that cannot be compared counts as affected", () => {
    expect(isAffected(createAdvisory([{ introduced: "one" }]), "pkg", "1.0.0")).toBe(true);
  });

  test("the fix is the lowest fixed version above the version", () => {
    const record = createAdvisory([
      { introduced: "0" },
      { fixed: "1.2.0" },
      { introduced: "2.0.0" },
      { fixed: "2.1.0" },
    ]);
    expect(findFixedVersion(findAffectedParts(record, "pkg", "1.0.0"), "1.0.0")).toBe("1.2.0");
    expect(findFixedVersion(findAffectedParts(record, "pkg", "2.0.5"), "2.0.5")).toBe("2.1.0");
  });
});

describe("an advisory's severity", () => {
  const vector = (score: string) => rateSeverity(createAdvisory([], { severity: [{ type: "CVSS", score }] }));

  test("is the one that its database states", () => {
    const rateStated = (severity: string) =>
      rateSeverity(createAdvisory([], { database_specific: { severity } }));
    expect(["CRITICAL", "HIGH", "MODERATE", "LOW"].map(rateStated)).toEqual([
      "critical",
      "high",
      "medium",
      "low",
    ]);
  });

  test("is otherwise computed from its CVSS vector", () => {
    expect(vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")).toBe("critical");
    expect(vector("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H")).toBe("high");
    expect(vector("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N")).toBe("low");
    expect(vector("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N")).toBe("critical");
  });

  test("is unknown for an unreadable vector, and critical for malicious packages", () => {
    expect(vector("CVSS:3.1/nonsense")).toBe("unknown");
    expect(rateSeverity(createAdvisory([]))).toBe("unknown");
    expect(rateSeverity(createAdvisory([], { id: "MAL-2026-1" }))).toBe("critical");
  });
});

describe("a scan", () => {
  test("finds a vulnerable package and the version with the fix", () => {
    const scan = scanSbom(
      createBom("pkg:npm/minimist@1.2.5", "pkg:npm/zod@4.0.0"),
      createAdvisories([minimist]),
    );
    expect(scan.scanned).toEqual({ npm: 2 });
    expect(scan.findings).toMatchObject([
      { id: "GHSA-xvch-5gv4-984h", version: "1.2.5", severity: "critical", fixedIn: "1.2.6" },
    ]);
  });

  test("reads scopes and qualifiers of package URLs", () => {
    const scoped = createAdvisory([{ introduced: "0" }], {
      affected: [{ package: { ecosystem: "npm", name: "@a/b" }, versions: ["1.0.0+build"] }],
    });
    const scan = scanSbom(createBom("pkg:npm/%40a/b@1.0.0%2Bbuild?arch=x#sub"), createAdvisories([scoped]));
    expect(scan.findings).toMatchObject([{ package: "@a/b", version: "1.0.0+build" }]);
  });

  test("lists the ecosystems without advisories", () => {
    const scan = scanSbom(
      createBom("pkg:npm/zod@4.0.0", "pkg:deb/debian/libc6@2.36"),
      createAdvisories([minimist]),
    );
    expect(scan.unknownEcosystems).toEqual(["deb"]);
    expect(scanSbom(createBom("pkg:npm/zod@4.0.0"), undefined).unknownEcosystems).toEqual(["npm"]);
  });

  test("reports npm as unknown if the file does not cover a package", () => {
    const scan = scanSbom(
      createBom("pkg:npm/minimist@1.2.5", "pkg:npm/zod@4.0.0"),
      createAdvisories([], ["zod"]),
    );
    expect(scan).toMatchObject({ scanned: { npm: 1 }, unknownEcosystems: ["npm"] });
  });
});
