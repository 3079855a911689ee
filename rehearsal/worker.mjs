/**
 * One inference function in a process of its own, as function-process.ts forks it: imports the bundle named
 * by the first argument and answers one request at a time. Plain JavaScript, because Node's type stripping
 * would cost each worker 18 MB and 30 ms.
 */
import { pathToFileURL } from "node:url";

/** Messages that can no longer be sent have no reader either. */
const send = (message) => {
  if (process.connected) process.send(message, () => {});
};
const describe = (error) =>
  error instanceof Error ? `${error.name}: ${error.message}` : `a thrown ${typeof error}`;

// The parent's end, even by SIGKILL, is this process's end; Ctrl-C in the terminal is the parent's to handle.
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});

// Lines go the way that answers go, so that a request's metrics arrive before its answer does.
const decoder = new TextDecoder();
process.stdout.write = (chunk, encoding, callback) => {
  send({ kind: "output", text: typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true }) });
  const done = typeof encoding === "function" ? encoding : callback;
  if (done) process.nextTick(done);
  return true;
};

const context = ({ id, deadline }) => ({
  awsRequestId: id,
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
  memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
});

try {
  const { handler } = await import(pathToFileURL(process.argv[2]).href);
  if (typeof handler !== "function") throw new TypeError("index.mjs exports no function named handler");
  process.on("message", async ({ id, deadline, payload }) => {
    try {
      // Measured here, as Lambda bills it: how busy the parent is belongs to nobody's duration.
      const began = performance.now();
      const answer = await handler(payload, context({ id, deadline }));
      send({ kind: "answer", id, payload: answer ?? null, durationMs: performance.now() - began });
    } catch (error) {
      send({ kind: "error", id, message: describe(error) });
    }
  });
  send({ kind: "ready" });
} catch (error) {
  if (process.connected) process.send({ kind: "broken", message: describe(error) }, () => process.exit(1));
  else process.exit(1);
}
