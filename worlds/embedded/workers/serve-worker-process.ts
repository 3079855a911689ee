/**
 * A worker of `slipway serve --workers`, which start-workers.ts forks: it serves the model on the shared port. The primary
 * owns the data folder.
 */
import { lowerV8WorkerPriority } from "#inference/http/lower-v8-worker-priority.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import { ignoreOutputErrors } from "#worlds/embedded/write-to-stream.ts";
import { connectPrimary } from "./connect-primary.ts";
import { openService } from "./open-service.ts";
import type { MessageToWorker, StartMessage } from "./worker-messages.ts";

ignoreOutputErrors();
// Ctrl-C and the signals of service managers reach all processes of a group: the primary says when to end.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);

let host = "127.0.0.1";
let opened: Awaited<ReturnType<typeof openService>> | undefined;
let server: Awaited<ReturnType<typeof startHttpServer>> | undefined;

const open = async (
  { hashKey, hasMetrics, prepared, ...start }: StartMessage,
  plan: Uint8Array,
): Promise<void> => {
  host = start.host;
  opened = await openService({
    ...start,
    prepared: { ...prepared, plan: plan.length > 0 ? plan.slice() : undefined },
    records:
      hashKey === null ? undefined : { storage: primary.storage, hashKey: Buffer.from(hashKey, "base64") },
    admit: primary.admit,
    hasAnyKey: primary.hasAnyKey,
    printMetrics: hasMetrics ? (line) => primary.send({ kind: "metrics", line }) : undefined,
    log: (line) => primary.send({ kind: "log", line }),
  });
  lowerV8WorkerPriority();
  primary.send({ kind: "ready", fingerprint: opened.fingerprint });
};

const listen = async (port: number): Promise<void> => {
  if (!opened) throw new Error("the model is not loaded");
  server = await startHttpServer(port, host);
  server.serve(opened.app);
  primary.send({ kind: "listening", url: server.url });
};

const drain = async (limitMs: number): Promise<void> => {
  const cut = (await server?.drain(limitMs)) ?? 0;
  opened?.offloadProcess.stop();
  await opened?.release();
  primary.send({ kind: "drained", cut });
  primary.end();
};

const handle = async (
  message: Exclude<MessageToWorker, { readonly call: number }>,
  bytes: Uint8Array,
): Promise<void> => {
  switch (message.kind) {
    case "start":
      return open(message, bytes);
    case "listen":
      return listen(message.port);
    case "drain":
      return drain(message.limitMs);
    default:
      return message satisfies never;
  }
};

const primary = connectPrimary((message, bytes) => {
  handle(message, bytes).catch((error: unknown) => {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    primary.send({ kind: "failed", name, message });
  });
});
