/**
 * Looks whether a package of the lock files has a known weakness, by a dated file of OSV's records.
 *   npm run audit                             the newer of advisories/npm.json and supply-chain/advisories.json
 *   npm run audit -- --advisories npm.json --complete      fails too where the file is old or knows not each package
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import * as z from "zod";
import { readAdvisories } from "#platform/images/advisories.ts";
import { scanSbom } from "#platform/images/scan-sbom.ts";
import { AuditException, judgeFindings } from "./judge-findings.ts";
import { lockFiles, productPackages } from "./product-packages.ts";
import { productSbom } from "./product-sbom.ts";

/** Older records miss what was found since; OSV changes every day. */
const freshDays = 14;
const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const { values } = parseArgs({
  options: {
    lock: { type: "string", multiple: true, default: lockFiles },
    advisories: { type: "string", multiple: true },
    exceptions: { type: "string", default: at("supply-chain/exceptions.yaml") },
    today: { type: "string", default: new Date().toISOString().slice(0, 10) },
    complete: { type: "boolean", default: false },
  },
});

const known = (
  await Promise.all(
    (values.advisories ?? [at("advisories/npm.json"), at("supply-chain/advisories.json")]).map(
      readAdvisories,
    ),
  )
)
  .filter((one) => one !== undefined)
  .toSorted((a, b) => (a.asOf < b.asOf ? 1 : -1))[0];
const exceptions = z.array(AuditException).parse(parse(await readFile(values.exceptions, "utf8")) ?? []);
const packages = await productPackages(values.lock);
const scan = scanSbom(productSbom({ version: "0", packages }), known && { ...known, packages: undefined });
const { failures, notes } = judgeFindings(scan.findings, exceptions, values.today);

const covered = known?.packages && new Set(known.packages);
const unknown = known && covered ? packages.filter(({ name }) => !covered.has(name)).length : 0;
const ageDays = known
  ? (Date.parse(values.today) - Date.parse(known.asOf)) / 86_400_000
  : Number.POSITIVE_INFINITY;
const refresh =
  "npm run advisories -- --out supply-chain/advisories.json, where OSV can be reached, or with --from a copy of its archive";
const gaps = [
  ...(known ? [] : [`There is no advisory file: ${refresh}.`]),
  ...(known && ageDays > freshDays
    ? [
        `The advisory file is of ${known.asOf.slice(0, 10)}, ${Math.floor(ageDays)} days old (at most ${freshDays}): ${refresh}.`,
      ]
    : []),
  ...(unknown > 0
    ? [
        `Of ${unknown} of ${packages.length} packages the advisory file knows not all that OSV knows: ${refresh}.`,
      ]
    : []),
];

for (const note of notes) process.stdout.write(`  ${note}\n`);
for (const gap of gaps) process.stderr.write(`${values.complete ? "✗" : "WARNING:"} ${gap}\n`);
for (const failure of failures) process.stderr.write(`✗ ${failure}\n`);
if (failures.length > 0 || (values.complete && gaps.length > 0)) process.exitCode = 1;
else
  process.stdout.write(
    `${packages.length} packages: no high or critical weakness without an exception in ${known?.advisories.length ?? 0} advisories.\n`,
  );
