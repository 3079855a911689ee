import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { PlainConnections } from "./plain-connections.ts";

/** A client that has just sent its next request on an idle connection still gets its response. */
const idleGraceMs = 300;

/**
 * Prepares a graceful end of a server; call it before the server's own request listener is added. The returned function
 * stops listening, closes idle connections (plain ones after a moment), lets each request that has begun finish (its response says
 * `connection: close`), and then closes what is left. Resolves to the number of requests that it cut off after `limitMs`.
 * @param getPlain the connections that the server's own requests do not include, if there are any
 */
export const prepareDrain = (
  server: Server,
  getPlain: () => PlainConnections | undefined = () => undefined,
): ((limitMs: number) => Promise<number>) => {
  // A list for each connection instead of one set that every request enters and leaves: V8 rebuilds such a set every few
  // requests, and each old copy keeps its responses, and the next copy, until the next large garbage collection.
  const open = new Map<Socket, ServerResponse[]>();
  let openCount = 0;
  let isDraining = false;
  let finish: (() => void) | undefined;
  const countOpen = (): number => openCount + (getPlain()?.count() ?? 0);
  const finishIfEmpty = (): void => {
    if (countOpen() === 0) finish?.();
  };
  server.on("connection", (socket: Socket) => {
    open.set(socket, []);
    socket.once("close", () => open.delete(socket));
  });
  server.on("request", ({ socket }, response) => {
    if (isDraining) response.shouldKeepAlive = false;
    const responses = open.get(socket);
    responses?.push(response);
    openCount += 1;
    response.once("close", () => {
      responses?.splice(responses.indexOf(response), 1);
      openCount -= 1;
      finishIfEmpty();
    });
  });
  return async (limitMs) => {
    isDraining = true;
    for (const responses of open.values()) for (const response of responses) response.shouldKeepAlive = false;
    getPlain()?.drain(finishIfEmpty, Math.min(idleGraceMs, limitMs / 2));
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    if (countOpen() > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, limitMs);
        finish = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const cut = countOpen();
    // What is left has no complete request, or is too slow.
    getPlain()?.closeAll();
    server.closeAllConnections();
    await closed;
    return cut;
  };
};
