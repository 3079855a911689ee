/**
 * Runs a model in a separate process, forked by isolate-model.ts: `node isolated-process.ts <folder>`. It does one run
 * at a time and can be killed at any time.
 */
import { Worker } from "node:worker_threads";
import type { IsolatedMessage, IsolatedRun } from "./isolate-model.ts";
import { loadModelFolder } from "./load-model-folder.ts";
import { OutputNotFinite } from "./output-not-finite.ts";
import { RowsInvalid } from "./rows-invalid.ts";

const sendMessage = (message: IsolatedMessage): void => {
  process.send?.(message, () => {});
};
const formatError = (error: unknown): string => (error instanceof Error ? error.message : String(error));

// During an endless run the main thread cannot notice that its parent was killed, so another thread watches for it.
new Worker(
  `setInterval(() => { if (process.ppid !== ${process.ppid}) process.kill(process.pid, "SIGKILL"); }, 1000);`,
  { eval: true },
).unref();
process.on("disconnect", () => process.exit(0));
// Ctrl-C in a terminal reaches this process too, but the parent decides when it ends.
process.on("SIGINT", () => {});

const runPredict = async (
  model: Awaited<ReturnType<typeof loadModelFolder>>,
  { id, rows }: IsolatedRun,
): Promise<IsolatedMessage> => {
  try {
    return { kind: "answered", id, predictions: await model.predict(rows) };
  } catch (error) {
    if (error instanceof RowsInvalid) return { kind: "invalid", id, problems: [...error.problems] };
    if (error instanceof OutputNotFinite) return { kind: "not-finite", id, message: error.message };
    return { kind: "failed", id, message: formatError(error).slice(0, 1_000) };
  }
};

try {
  const model = await loadModelFolder(process.argv[2] ?? "");
  process.on("message", async (run: IsolatedRun) => sendMessage(await runPredict(model, run)));
  sendMessage({ kind: "ready", engine: model.engine });
} catch (error) {
  process.send?.({ kind: "broken", message: formatError(error) } satisfies IsolatedMessage, () =>
    process.exit(1),
  );
}
