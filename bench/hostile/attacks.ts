import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";

/** The target of an attack: always this machine. */
export type AttackTarget = { readonly port: number; readonly predictPath: string; readonly row: object };

/** Sends until the signal; bounded in connections and bytes, and by its caller in time. */
type Attack = (target: AttackTarget, stop: AbortSignal) => Promise<void>;

const formatHead = (path: string, headers: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${headers}\r\n`;

const open = async (port: number): Promise<Socket> => {
  const socket = connect(port, "127.0.0.1").setNoDelay(true);
  socket.on("error", () => undefined);
  socket.resume();
  await Promise.race([once(socket, "connect"), once(socket, "close")]).catch(() => undefined);
  return socket;
};

const write = (socket: Socket, bytes: string | Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.write(bytes, () => resolve());
  });

/** Runs `once` again and again, `times` in parallel, until the signal. */
const repeat = async (times: number, stop: AbortSignal, once: () => Promise<void>): Promise<void> => {
  const work = async () => {
    while (!stop.aborted) await once();
  };
  await Promise.all(Array.from({ length: times }, work));
};

/** Sends one request on its own connection and waits until the server closes it. */
const exchange = async (
  target: AttackTarget,
  stop: AbortSignal,
  bytes: readonly (string | Uint8Array)[],
): Promise<void> => {
  const socket = await open(target.port);
  const end = () => socket.destroy();
  stop.addEventListener("abort", end);
  for (const part of bytes) await write(socket, part);
  if (!socket.closed && !stop.aborted) await once(socket, "close").catch(() => undefined);
  stop.removeEventListener("abort", end);
  socket.destroy();
};

const createPostAttack =
  (times: number, headers: string, buildBody: (target: AttackTarget) => Uint8Array): Attack =>
  (target, stop) => {
    const body = buildBody(target);
    const first = formatHead(
      target.predictPath,
      `connection: close\r\ncontent-length: ${body.length}\r\n${headers}`,
    );
    return repeat(times, stop, () => exchange(target, stop, [first, body]));
  };

const buildRows = (count: number) => (target: AttackTarget) =>
  Buffer.from(JSON.stringify({ rows: Array.from({ length: count }, () => target.row) }));

/** A body of about this size whose last key is a duplicate, which is the slowest JSON to read. */
const buildRepeatedKey = (bytes: number) => () =>
  Buffer.from(
    `{"rows":[${Array.from({ length: bytes / 13 }, (_, at) => `{"k${at % 1_000}":1}`).join()}],"a":1,"a":2}`,
  );

export const attacks: Readonly<Record<string, Attack>> = {
  "chunks of one byte": (target, stop) => {
    const chunks = Buffer.from("1\r\n \r\n".repeat(100_000));
    return repeat(4, stop, () =>
      exchange(target, stop, [formatHead(target.predictPath, "transfer-encoding: chunked\r\n"), chunks]),
    );
  },
  "unsigned posts to Slack's callback": (target, stop) => {
    const body = Buffer.alloc(4 * 1_024 * 1_024, "a");
    return repeat(8, stop, () =>
      exchange(target, stop, [
        formatHead("/slack/interactions", "transfer-encoding: chunked\r\n"),
        `${body.length.toString(16)}\r\n`,
        body,
      ]),
    );
  },
  "gzip of ten million empty objects": createPostAttack(4, "content-encoding: gzip\r\n", () =>
    gzipSync(Buffer.from(`{"rows":[${"{},".repeat(10_000_000)}{}]}`)),
  ),
  "10,000 rows of JSON": createPostAttack(2, "", buildRows(10_000)),
  "JSON just below the limit": createPostAttack(1, "", buildRows(150)),
  "a key twice just below the limit": createPostAttack(1, "", buildRepeatedKey(19_500)),
  "deep JSON": createPostAttack(4, "", () => Buffer.from("[".repeat(5_000_000))),
  "wide JSON": createPostAttack(2, "", buildRepeatedKey(5_000_000)),
  "slow headers": async (target, stop) => {
    const sockets = await Promise.all(Array.from({ length: 600 }, () => open(target.port)));
    for (const socket of sockets) socket.write("POST / HTTP/1.1\r\n");
    while (!stop.aborted) {
      for (const socket of sockets) if (!socket.destroyed) socket.write("a: b\r\n");
      await wait(1_000);
    }
    for (const socket of sockets) socket.destroy();
  },
  "slow bodies": async (target, stop) => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => open(target.port)));
    for (const socket of sockets) {
      socket.write(formatHead(target.predictPath, "content-length: 6000000\r\n"));
      socket.write(Buffer.alloc(1_000_000, " "));
    }
    while (!stop.aborted) {
      for (const socket of sockets) if (!socket.destroyed) socket.write(" ");
      await wait(1_000);
    }
    for (const socket of sockets) socket.destroy();
  },
  "many connections": (target, stop) =>
    repeat(4, stop, async () => {
      const sockets = await Promise.all(Array.from({ length: 50 }, () => open(target.port)));
      await wait(200);
      for (const socket of sockets) socket.destroy();
    }),
  "floods of headers": (target, stop) => {
    const request = `GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n${"a: b\r\n".repeat(2_000)}\r\n`;
    return repeat(4, stop, () => exchange(target, stop, [request.repeat(20)]));
  },
};
