/** `npm run prove:kernel`. */
import { availableParallelism } from "node:os";
import { z } from "zod";
import { firstSeed } from "#test/decisions/list-seeds.ts";
import { type KernelProof, proveKernel } from "#test/kernel/prove-kernel.ts";
import { createProofProgress } from "./create-proof-progress.ts";
import { readProofArguments } from "./read-proof-arguments.ts";

const usage = `Compares random graphs of trees, linear models and networks, compiled, with onnxruntime, 1,000 rows of each, on thresholds
and the borders of labels and beside them:
  npm run prove:kernel                                       2,000 graphs, some 1.45 million rows
  npm run prove:kernel -- 200 --seed 20261500                200 from another seed on: to repeat one, or to go on after Ctrl-C
  npm run prove:kernel -- --processes 1                      for a machine with other work`;

const values = readProofArguments(usage, {
  seed: { default: String(firstSeed) },
  processes: { default: String(Math.min(4, availableParallelism())) },
});
const count = z.coerce.number().int().min(1);
const parsed = z
  .object({ runs: count.default(2_000), seed: count, processes: count.max(16) })
  .safeParse(values);

const format = (value: number): string => value.toLocaleString("en-US");

const describe =
  (runs: number) =>
  ({ done, rows, wrong }: KernelProof): string =>
    `${format(done)} of ${format(runs)} graphs, ${format(rows)} rows, ${wrong.length} wrong`;

const prove = async ({ runs, seed, processes }: NonNullable<typeof parsed.data>) => {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const start = performance.now();
  const { done, compiled, rows, wrong, next } = await proveKernel({
    ...{ runs, first: seed, processes, signal: stop.signal },
    onProgress: createProofProgress(runs, describe(runs)),
  });
  const seconds = ((performance.now() - start) / 1_000).toFixed(0);
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
  console.log(
    `${format(rows)} rows of ${format(compiled)} compiled graphs (of ${format(done)}, from seed ${seed} on), ${wrong.length} wrong, ${seconds} s`,
  );
  for (const graph of wrong.slice(0, 10))
    console.log(
      [`seed ${graph.seed}:`, ...graph.wrong].join("\n  "),
      `\n  repeat it: npm run prove:kernel -- 1 --seed ${graph.seed}`,
    );
  if (wrong.length > 0) process.exitCode = 1;
  if (!stop.signal.aborted) return;
  console.log(`stopped; to go on: npm run prove:kernel -- ${seed + runs - next} --seed ${next}`);
  process.exitCode = 130;
};

if (parsed.success) await prove(parsed.data);
else {
  console.error(z.prettifyError(parsed.error));
  process.exitCode = 2;
}
