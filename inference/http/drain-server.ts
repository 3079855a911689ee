import type { Server, ServerResponse } from "node:http";

/**
 * Prepares a graceful end of a server; call it before the server's own request listener is added. The returned function
 * stops listening, closes idle connections, lets each request that has begun finish (its response says
 * `connection: close`), and then closes what is left. Resolves to the number of requests that it cut off after `limitMs`.
 */
export const prepareDrain = (server: Server): ((limitMs: number) => Promise<number>) => {
  const open = new Set<ServerResponse>();
  let isDraining = false;
  let finish: (() => void) | undefined;
  server.on("request", (_, response) => {
    if (isDraining) response.shouldKeepAlive = false;
    open.add(response);
    response.once("close", () => {
      open.delete(response);
      if (open.size === 0) finish?.();
    });
  });
  return async (limitMs) => {
    isDraining = true;
    for (const response of open) response.shouldKeepAlive = false;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    if (open.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, limitMs);
        finish = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const cut = open.size;
    // What is left has no complete request, or is too slow.
    server.closeAllConnections();
    await closed;
    return cut;
  };
};
