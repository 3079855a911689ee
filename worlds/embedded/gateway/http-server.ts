import { createServer, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";
import type { App } from "#inference/http/app.ts";
import { type BodyBudget, createBodyBudget } from "#inference/http/body-budget.ts";
import { retryAfterSeconds } from "#inference/http/body-unreadable.ts";
import { prepareDrain } from "#inference/http/drain-server.ts";
import {
  defaultConnectionLimits,
  limitConnections,
  toServerOptions,
} from "#inference/http/limit-connections.ts";
import { createNodeListener } from "#inference/http/node-listener.ts";
import { createPlainConnections, type PlainConnections } from "#inference/http/plain-connections.ts";

/** The port is in use or not allowed; the message has the remedy. */
export class PortUnusable extends Error {
  override readonly name = "PortUnusable";
}

/** What answers a server's requests; an App is answered by inference/http/node-listener.ts. */
type CreateListener = (budget: BodyBudget) => RequestListener;

type RunningServer = {
  readonly url: string;
  serve(app: App | CreateListener): void;
  /** Lets requests that have begun finish, at most for this time; returns the number of those that it cut off. */
  drain(limitMs: number): Promise<number>;
  /** Closes every connection at once. */
  close(): Promise<void>;
};

/**
 * Takes away what makes requests of a server's new connections, so that others can serve them first; the function that is
 * returned gives it a connection (https://nodejs.org/api/http.html#event-connection).
 */
const takeConnectionListener = (server: Server): ((socket: Socket) => void) => {
  const listeners = server.listeners("connection");
  server.removeAllListeners("connection");
  return (socket) => {
    for (const listener of listeners) Reflect.apply(listener, server, [socket]);
  };
};

/**
 * Starts a server, by default on 127.0.0.1 only. It listens first and gets its app later by `serve`, because the app may
 * need the server's address. Throws PortUnusable.
 * @param port 0: any free port
 * @param limits limits on clients; `option`: the option that chooses the port, for the message of PortUnusable
 */
export const startHttpServer = async (
  port: number,
  host = "127.0.0.1",
  { connections = defaultConnectionLimits, budget = createBodyBudget(), option = "--port" } = {},
): Promise<RunningServer> => {
  let listener: RequestListener | undefined;
  let plain: PlainConnections | undefined;
  const server: Server = createServer(toServerOptions(connections));
  const serveOther = takeConnectionListener(server);
  server.on("connection", (socket) => (plain ? plain.accept(socket) : serveOther(socket)));
  const drain = prepareDrain(server, () => plain);
  /** Of connections that node:http was given and has no request of: what to call then. By then the drain counts the request. */
  const handedOver = new WeakMap<Socket, () => void>();
  server.on("request", ({ socket }) => {
    handedOver.get(socket)?.();
    handedOver.delete(socket);
  });
  const limited = limitConnections(server, connections, (request, response) => {
    if (listener) listener(request, response);
    else response.writeHead(503, { "retry-after": String(retryAfterSeconds) }).end();
  });
  server.on("request", limited.listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === "EADDRINUSE"
          ? `port ${port} is in use: stop the other program, or choose another port with ${option}`
          : error.code === "EACCES"
            ? `this user may not listen on port ${port}: choose a port above 1023 with ${option}`
            : error.code === "ENOTFOUND" || error.code === "EADDRNOTAVAIL"
              ? `${host} is no address of this machine: choose another one with --host, or 0.0.0.0 for all`
              : `port ${port} cannot be used: ${error.message}`;
      reject(new PortUnusable(reason, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new PortUnusable("the server has no port");
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    serve: (app) => {
      if (typeof app === "function") {
        listener = app(budget);
        return;
      }
      listener = createNodeListener(app, budget);
      const { begin, end } = limited;
      const handOver = (socket: Socket, begun: () => void): void => {
        handedOver.set(socket, begun);
        serveOther(socket);
      };
      plain = createPlainConnections({ app, limits: connections, serveOther: handOver, begin, end });
    },
    drain,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        plain?.closeAll();
        server.closeAllConnections();
      }),
  };
};
