/** `npm run prove:decisions`. */
import { availableParallelism } from "node:os";
import { z } from "zod";
import { firstSeed } from "#test/decisions/list-seeds.ts";
import { type DecisionsProof, proveDecisions } from "#test/decisions/prove-decisions.ts";
import { storyStores } from "#test/decisions/story-runner.ts";
import { createProofProgress } from "./create-proof-progress.ts";
import { readProofArguments } from "./read-proof-arguments.ts";

const usage = `Runs the stories of test/decisions: clicks, Slack's retries, deaths at any call and sweeps, with exactly one decision in each.
  npm run prove:decisions                                    1,000 on SQLite and 1,000 on DynamoDB (moto)
  npm run prove:decisions -- 200 --store dynamodb            200 on one store
  npm run prove:decisions -- 200 --seed 20261500             from another seed on: to repeat a story, or to go on after Ctrl-C
  npm run prove:decisions -- --processes 1 --at-once 8       for a machine with other work
DynamoDB needs Python with venv (docs/peers.md); each process starts a moto of its own.`;

const values = readProofArguments(usage, {
  store: {},
  seed: { default: String(firstSeed) },
  processes: { default: String(Math.min(4, availableParallelism())) },
  "at-once": { default: "4" },
});
const count = z.coerce.number().int().min(1);
const parsed = z
  .object({
    runs: count.default(1_000),
    store: z.enum(storyStores).optional(),
    seed: count,
    processes: count.max(16),
    "at-once": count.max(64),
  })
  .safeParse(values);

const describe =
  (store: string, runs: number) =>
  ({ done, wrong }: DecisionsProof): string =>
    `${store}: ${done} of ${runs} stories, ${wrong.length} wrong`;

const prove = async ({ runs, store: only, seed, processes, ...more }: NonNullable<typeof parsed.data>) => {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  for (const store of storyStores.filter((each) => only === undefined || each === only)) {
    const start = performance.now();
    const options = { store, runs, first: seed, processes, atOnce: more["at-once"], signal: stop.signal };
    const proof = await proveDecisions({
      ...options,
      onProgress: createProofProgress(runs, describe(store, runs)),
    });
    const seconds = ((performance.now() - start) / 1_000).toFixed(0);
    const { done, wrong, mishaps, next } = proof;
    if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
    console.log(
      `${store}: ${done} stories from seed ${seed} on, ${wrong.length} wrong, ${mishaps} deaths and lost invocations, ${seconds} s`,
    );
    for (const story of wrong.slice(0, 10))
      console.log(
        [`seed ${story.seed}:`, ...story.wrong, ...story.log.map((line) => `  (${line})`)].join("\n  "),
        `\n  repeat it: npm run prove:decisions -- 1 --store ${store} --seed ${story.seed}`,
      );
    if (wrong.length > 0) process.exitCode = 1;
    if (!stop.signal.aborted) continue;
    const left = seed + runs - next;
    console.log(`stopped; to go on: npm run prove:decisions -- ${left} --store ${store} --seed ${next}`);
    process.exitCode = 130;
    return;
  }
};

if (parsed.success) await prove(parsed.data);
else {
  console.error(z.prettifyError(parsed.error));
  process.exitCode = 2;
}
