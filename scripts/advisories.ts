/**
 * Writes advisories/npm.json, which image scans read: OSV's advisories for the packages in the lock files.
 *   npm run advisories                        downloads OSV's npm archive
 *   npm run advisories -- --from all.zip      reads a copy of it, or a folder with its records
 *   npm run advisories -- --out supply-chain/advisories.json      the dated file that npm run audit reads
 */
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readOsvRecords } from "./read-osv-records.ts";
import { readProductPackages } from "./read-product-packages.ts";
import { selectAdvisories } from "./select-advisories.ts";

const archiveUrl = "https://osv-vulnerabilities.storage.googleapis.com/npm/all.zip";
const downloadLimitMs = 600_000;
const root = fileURLToPath(new URL("..", import.meta.url));

const readLockedNames = async (): Promise<Set<string>> =>
  new Set((await readProductPackages()).map(({ name }) => name));

const download = async (to: string): Promise<void> => {
  const response = await fetch(archiveUrl, { signal: AbortSignal.timeout(downloadLimitMs) });
  if (!response.ok || !response.body) throw new Error(`${archiveUrl} responded with ${response.status}`);
  await pipeline(response.body, createWriteStream(to));
};

const writeAdvisories = async (from: string, out: string): Promise<string> => {
  const result = await selectAdvisories(readOsvRecords(from), await readLockedNames());
  await mkdir(dirname(out), { recursive: true });
  const temporary = `${out}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(result)}\n`);
  await rename(temporary, out);
  const packages = result.packages?.length ?? 0;
  return `${result.advisories.length} advisories for ${packages} packages as of ${result.asOf} in ${out}`;
};

const { values } = parseArgs({
  options: {
    from: { type: "string" },
    out: { type: "string", default: join(root, "advisories", "npm.json") },
  },
});
const folder = await mkdtemp(join(tmpdir(), "slipway-advisories-"));
try {
  const from = values.from ?? join(folder, "all.zip");
  if (values.from === undefined) await download(from);
  process.stdout.write(`${await writeAdvisories(from, values.out)}\n`);
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";
  process.stderr.write(`No advisories were written: ${reason}${cause}\n`);
  if (values.from === undefined)
    process.stderr.write(
      `Without access to OSV, download ${archiveUrl} elsewhere and pass it with --from.\n`,
    );
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
