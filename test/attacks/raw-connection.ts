import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A connection that writes bytes that an HTTP client would not, and records the responses. */
export const openRawConnection = async (port: number) => {
  const socket: Socket = connect(port, "127.0.0.1");
  let received = "";
  let waiting: (() => void)[] = [];
  const wake = () => {
    const callbacks = waiting;
    waiting = [];
    for (const callback of callbacks) callback();
  };
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
    wake();
  });
  // A server that refuses may close while this side still writes.
  socket.on("error", wake);
  socket.on("close", wake);
  await once(socket, "connect");
  return {
    socket,
    /** Resolves when the bytes are sent or the connection is closed. */
    write: (bytes: string | Uint8Array): Promise<void> =>
      new Promise((resolve) => {
        // A connection that closes calls back too, with its error.
        if (socket.destroyed) resolve();
        else socket.write(bytes, () => resolve());
      }),
    /** The data so far, once it matches or the server has closed. */
    until: async (text: RegExp): Promise<string> => {
      while (!text.test(received) && !socket.closed)
        await new Promise<void>((resolve) => void waiting.push(resolve));
      return received;
    },
    closed: async (): Promise<string> => {
      while (!socket.closed) await new Promise<void>((resolve) => void waiting.push(resolve));
      return received;
    },
    end: () => socket.destroy(),
  };
};
export type RawConnection = Awaited<ReturnType<typeof openRawConnection>>;

/** The statuses of the responses in the data. */
export const parseStatuses = (received: string): number[] =>
  [...received.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));
