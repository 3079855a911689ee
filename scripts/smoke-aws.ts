/** `npm run smoke:aws`: checks on a real installation what no test could exercise (docs/first-day.md). */
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { exitCode, toExitCode } from "#cli/exit-code.ts";
import { paint, print, printError } from "#cli/print.ts";
import { readAwsOutputs } from "#cli/read-aws-outputs.ts";
import { useProfile } from "#cli/use-profile.ts";
import { countOutcomes, formatSmokeReport, redactOutputs } from "./smoke-aws/format-smoke-report.ts";
import { listSmokeChecks } from "./smoke-aws/list-smoke-checks.ts";
import { runSmokeChecks } from "./smoke-aws/run-smoke-checks.ts";
import type { SmokeCheck } from "./smoke-aws/smoke-check.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const marks = {
  pass: paint("green", "✓"),
  fail: paint("red", "✗"),
  "not checked": paint("yellow", "–"),
} as const;

/** Asks before anything is written. Without a terminal nobody can answer, so the answer is no. */
const askConsent = async (checks: readonly SmokeCheck[], signal: AbortSignal): Promise<boolean> => {
  const writing = checks.flatMap(({ writes }) => (writes === undefined ? [] : [writes]));
  print(`It reads your installation. ${writing.length} checks also write, and remove what they wrote:`);
  for (const sentence of writing) print(`  - one ${sentence}`);
  if (!process.stdin.isTTY) {
    print("There is no terminal to ask, so they are left out: use --yes to run them.");
    return false;
  }
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test(await lines.question("Run these too? [y/N] ", { signal }));
  } finally {
    lines.close();
  }
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      /** The AWS profile of the tooling account. */
      profile: { type: "string" },
      /** A file with Terraform's outputs in place of the parameter. */
      outputs: { type: "string" },
      /** Also run what writes, without a question. */
      yes: { type: "boolean", default: false },
      /** The folder of the report. */
      folder: { type: "string", default: "." },
    },
  });
  useProfile(values.profile);
  const outputs = await readAwsOutputs(values.outputs);
  const [, , , region = ""] = outputs.STATE_MACHINE_ARN.split(":");
  process.env.AWS_REGION = region;
  const interrupt = new AbortController();
  process.once("SIGINT", () => {
    printError("Cleaning up; press Ctrl-C again to leave at once.");
    interrupt.abort();
    process.once("SIGINT", () => process.exit(exitCode.interrupted));
  });
  const checks = listSmokeChecks(
    {
      outputs,
      region,
      fetch,
      clock: Date.now,
      newId: () => randomBytes(6).toString("hex"),
      pause: (milliseconds) => setTimeout(milliseconds, undefined, { signal: interrupt.signal }),
    },
    readFileSync(join(root, "docs", "first-day.md"), "utf8"),
  );
  const consent = values.yes || (await askConsent(checks, interrupt.signal));
  let done = 0;
  const outcomes = await runSmokeChecks({
    checks,
    consent,
    imitation: process.env.AWS_ENDPOINT_URL,
    signal: interrupt.signal,
    onOutcome: ({ status, behaviour, actual }) => {
      done += 1;
      print(`${marks[status]} ${done}/${checks.length} ${behaviour}\n    ${redactOutputs(actual, outputs)}`);
    },
  });
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const at = Date.now();
  const report = join(values.folder, `smoke-${new Date(at).toISOString().slice(0, 10)}.md`);
  writeFileSync(report, redactOutputs(formatSmokeReport({ outcomes, version, region, at }), outputs));
  print(`${countOutcomes(outcomes)}. The report is in ${report}; you can paste it into an issue.`);
  const failed = outcomes.some(({ status }) => status === "fail");
  process.exitCode = interrupt.signal.aborted ? exitCode.interrupted : failed ? exitCode.failed : exitCode.ok;
};

try {
  await main();
} catch (error) {
  printError(error instanceof Error ? error.message : String(error));
  process.exitCode =
    error instanceof Error && error.name === "AbortError" ? exitCode.interrupted : toExitCode(error);
}
