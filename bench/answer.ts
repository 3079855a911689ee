// npm run bench:answer: how long answer-approval takes from its cold start to the acknowledgement of a click, as its built
// bundle under AWS's runtime client, with every call to AWS and Slack delayed (100 ms by default). Slack waits 3 s. Exits
// with 1 where the processor time, at the memory of terraform/stacks/delivery.ts, is 1.2 s or more.

import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundleHandler } from "#packaging/bundle-handler.ts";
import { withEsbuild } from "#packaging/bundle-runtime.ts";
import { startAnswerApprovalWorld } from "#test/peers/answer-approval-world.ts";
import { startExecutionEnvironment } from "#test/peers/execution-environment.ts";
import { measureTreeUsage } from "#test/support/process-tree.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { computeSpread } from "./serve/spread.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    "delay-ms": { type: "string", default: "100" },
    "memory-mb": { type: "string", default: "1024" },
  },
});
const [rounds, delayMs, memoryMb] = [values.rounds, values["delay-ms"], values["memory-mb"]].map(Number);
if (!rounds || delayMs === undefined || Number.isNaN(delayMs) || !memoryMb) {
  console.error("--rounds, --delay-ms and --memory-mb take numbers.");
  process.exit(2);
}
/** Of one virtual processor: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const processorMb = 1_769;
const limitMs = 1_200;

const folder = await createTemporaryFolder();
const bundles = { full: join(folder.path, "full"), empty: join(folder.path, "empty") };
for (const path of Object.values(bundles)) await mkdir(path);
const { code } = await withEsbuild(() => bundleHandler("answer-approval"));
await writeFile(join(bundles.full, "index.mjs"), code);
await writeFile(
  join(bundles.empty, "index.mjs"),
  "export const handler = async () => ({ statusCode: 200 });",
);
const world = await startAnswerApprovalWorld({ delayMs });

let started = 0;
/** One cold start and one event; milliseconds until the response. */
const measure = async (root: string, event: unknown) => {
  const requestId = randomUUID();
  started++;
  const environment = await startExecutionEnvironment({
    root,
    logFile: join(folder.path, `${started}.log`),
    variables: {
      ...world.variables,
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/slipway-answer-approval",
      AWS_LAMBDA_LOG_STREAM_NAME: String(started),
    },
  });
  try {
    const {
      ended,
      initMs = 0,
      durationMs,
      log,
    } = await environment.serve({
      payload: JSON.stringify(event),
      requestId,
      timeoutSeconds: 30,
      headers: () => ({
        "lambda-runtime-aws-request-id": requestId,
        "lambda-runtime-deadline-ms": String(Date.now() + 30_000),
        "lambda-runtime-invoked-function-arn":
          "arn:aws:lambda:eu-central-1:123456789012:function:slipway-answer-approval",
        "lambda-runtime-trace-id": `Root=1-${"0".repeat(8)}-${"0".repeat(24)};Parent=${"0".repeat(16)};Sampled=0`,
      }),
    });
    const usage = environment.pid === undefined ? undefined : measureTreeUsage(environment.pid);
    if (ended.status !== "answered" || JSON.parse(ended.payload).statusCode !== 200 || !usage)
      throw new Error(`answer-approval did not acknowledge: ${JSON.stringify(ended)}\n${log}`);
    return { wallMs: initMs + durationMs, initMs, cpuMs: usage.cpuMs };
  } finally {
    await environment.stop();
  }
};
type Measurement = Awaited<ReturnType<typeof measure>>;

const cases: readonly (readonly [string, () => Promise<Measurement>])[] = [
  ["an empty function", () => measure(bundles.empty, {})],
  ["Approve", async () => measure(bundles.full, world.createClickEvent("approve", await world.ask()))],
  [
    "Reject, which opens the dialog",
    async () => measure(bundles.full, world.createClickEvent("reject", await world.ask())),
  ],
  [
    "a click that does not count",
    async () =>
      measure(bundles.full, world.createClickEvent("approve", await world.ask(), { user: "U0OTHER" })),
  ],
];
const measurements = cases.map((): Measurement[] => []);
try {
  // The first round warms the disk's cache.
  for (let round = 0; round <= rounds; round++)
    for (const [index, [what, run]] of cases.entries()) {
      process.stderr.write(`${what}, round ${round} of ${rounds} …\n`);
      const measured = await run();
      if (round > 0) measurements[index]?.push(measured);
    }
} finally {
  await world.stop();
  await folder.remove();
}

const columns = ["median", "min", "max"] as const;
console.log(
  `${"cold start to acknowledgement".padEnd(58)}${columns.map((name) => name.padStart(8)).join("")}   ms`,
);
const print = (what: string, times: readonly number[]) => {
  const spread = computeSpread(times);
  const shown = columns.map((name) => (spread?.[name] ?? 0).toFixed(0).padStart(8));
  console.log(`${what.padEnd(58)}${shown.join("")}`);
};
for (const [index, [what]] of cases.entries()) {
  const all = measurements[index] ?? [];
  print(
    `${what}: wall time`,
    all.map(({ wallMs }) => wallMs),
  );
  print(
    `${what}: of that, until the function is ready`,
    all.map(({ initMs }) => initMs),
  );
  print(
    `${what}: processor time`,
    all.map(({ cpuMs }) => cpuMs),
  );
}
const longest = Math.max(
  ...measurements.map((all) => computeSpread(all.map(({ cpuMs }) => cpuMs))?.median ?? 0),
);
const atMemory = (longest * processorMb) / memoryMb;
const least = Math.ceil((longest * processorMb) / limitMs);
console.log(
  `\n${rounds} rounds, ${delayMs} ms for each remote call. The longest processor time, ${longest.toFixed(0)} ms of one processor, takes ${atMemory.toFixed(0)} ms at ${memoryMb} MB (limit ${limitMs} ms); the least memory is ${least} MB.`,
);
if (atMemory >= limitMs) process.exitCode = 1;
