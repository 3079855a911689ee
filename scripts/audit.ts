/**
 * Looks up the lock files' packages in a dated file of OSV's advisories.
 *   npm run audit                             uses the newer of advisories/npm.json and supply-chain/advisories.json
 *   npm run audit -- --advisories npm.json --complete      also fails if the file is old or does not cover each package
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import * as z from "zod";
import { readAdvisories } from "#platform/images/advisories.ts";
import { scanSbom } from "#platform/images/scan-sbom.ts";
import { AuditException, judgeFindings } from "./judge-findings.ts";
import { createProductSbom } from "./product-sbom.ts";
import { lockFiles, readProductPackages } from "./read-product-packages.ts";

/** OSV changes every day, so an older file misses new advisories. */
const maxAgeDays = 14;
const toPath = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const { values } = parseArgs({
  options: {
    lock: { type: "string", multiple: true, default: lockFiles },
    advisories: { type: "string", multiple: true },
    exceptions: { type: "string", default: toPath("supply-chain/exceptions.yaml") },
    today: { type: "string", default: new Date().toISOString().slice(0, 10) },
    complete: { type: "boolean", default: false },
  },
});

const advisoryFile = (
  await Promise.all(
    (values.advisories ?? [toPath("advisories/npm.json"), toPath("supply-chain/advisories.json")]).map(
      readAdvisories,
    ),
  )
)
  .filter((file) => file !== undefined)
  .toSorted((a, b) => (a.asOf < b.asOf ? 1 : -1))[0];
const exceptions = z.array(AuditException).parse(parse(await readFile(values.exceptions, "utf8")) ?? []);
const packages = await readProductPackages(values.lock);
const scan = scanSbom(
  createProductSbom({ version: "0", packages }),
  advisoryFile && { ...advisoryFile, packages: undefined },
);
const { failures, notes } = judgeFindings(scan.findings, exceptions, values.today);

const coveredNames = advisoryFile?.packages && new Set(advisoryFile.packages);
const uncoveredCount =
  advisoryFile && coveredNames ? packages.filter(({ name }) => !coveredNames.has(name)).length : 0;
const ageDays = advisoryFile
  ? (Date.parse(values.today) - Date.parse(advisoryFile.asOf)) / 86_400_000
  : Number.POSITIVE_INFINITY;
const refresh =
  "npm run advisories -- --out supply-chain/advisories.json, with access to OSV or with --from a copy of its archive";
const gaps = [
  ...(advisoryFile ? [] : [`There is no advisory file: ${refresh}.`]),
  ...(advisoryFile && ageDays > maxAgeDays
    ? [
        `The advisory file of ${advisoryFile.asOf.slice(0, 10)} is ${Math.floor(ageDays)} days old (limit ${maxAgeDays}): ${refresh}.`,
      ]
    : []),
  ...(uncoveredCount > 0
    ? [`The advisory file does not cover ${uncoveredCount} of ${packages.length} packages: ${refresh}.`]
    : []),
];

for (const note of notes) process.stdout.write(`  ${note}\n`);
for (const gap of gaps) process.stderr.write(`${values.complete ? "✗" : "WARNING:"} ${gap}\n`);
for (const failure of failures) process.stderr.write(`✗ ${failure}\n`);
if (failures.length > 0 || (values.complete && gaps.length > 0)) process.exitCode = 1;
else
  process.stdout.write(
    `${packages.length} packages: no high or critical vulnerability without an exception in ${advisoryFile?.advisories.length ?? 0} advisories.\n`,
  );
