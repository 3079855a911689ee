// npm test: installs missing packages, checks types and style, runs the tests and ends with a line of counts.
// npm test -- --all, for CI: also the tests with third-party servers, those of many minutes, and every kill.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileCache, ensureInstalled, nodePath, root } from "./ensure-installed.mjs";

ensureInstalled();
ensureInstalled(`${root}terraform/`);
const bin = `${root}node_modules/.bin`;
const env = { NODE_COMPILE_CACHE: compileCache, ...process.env, PATH: `${bin}:${process.env.PATH}` };
const results = mkdtempSync(join(tmpdir(), "slipway-test-"));
const report = join(results, "report.json");
const all = process.argv.includes("--all");
// CI compares both engines only in a daily sample of the scenarios; at home, a sample of the kills is enough.
if (all) env.SLIPWAY_SAMPLE ??= "3";
else env.SLIPWAY_KILLS ??= "15";
const selectedTests = process.argv.slice(2).filter((argument) => argument !== "--all");

const runTests = (args) => {
  console.log("\n— tests");
  return spawnSync(nodePath, args, { cwd: root, env, stdio: "inherit" }).status === 0;
};

/** Runs a check beside others, and prints its output when it ends. */
const runCheck = (title, command, args) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    const output = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output.push(chunk));
    child.once("error", (error) => output.push(Buffer.from(`${error.message}\n`)));
    child.once("close", (code) => {
      console.log(`\n— ${title}: ${code === 0 ? "passed" : "failed"}`);
      process.stdout.write(Buffer.concat(output));
      resolve(code === 0);
    });
  });

// A path selects tests with third-party servers too.
const leftOut = all ? [] : ["long", "alone", ...(selectedTests.length === 0 ? ["peers", "checkov"] : [])];

// A selection of tests (`npm test -- rehearsal`) skips the checks.
const checks =
  selectedTests.length > 0
    ? []
    : await Promise.all([
        runCheck("types", `${bin}/tsc`, []),
        runCheck("types of terraform/", `${bin}/tsc`, ["--project", "terraform"]),
        runCheck("style", `${bin}/biome`, ["check", "."]),
        runCheck("unused exports, files and packages", `${bin}/knip`, []),
      ]);
const checksPassed = checks.every(Boolean);
const testsPassed = runTests([
  `${root}node_modules/vitest/vitest.mjs`,
  "run",
  "--reporter=default",
  "--reporter=json",
  ...leftOut.map((project) => `--project=!${project}`),
  `--outputFile.json=${report}`,
  ...selectedTests,
]);

let counts = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTotalTests: 0 };
try {
  counts = JSON.parse(readFileSync(report, "utf8"));
} catch {
  console.error("The test run wrote no report: it did not finish.");
}
rmSync(results, { recursive: true, force: true });
if (counts.numPendingTests > 0) console.log(`\n${counts.numPendingTests} skipped`);
console.log(`\n${counts.numPassedTests} passed, ${counts.numFailedTests} failed`);
process.exitCode = checksPassed && testsPassed && counts.numTotalTests > 0 ? 0 : 1;
