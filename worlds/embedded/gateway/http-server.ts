import { createServer, type RequestListener, type Server } from "node:http";
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
  const server: Server = createServer(toServerOptions(connections));
  const drain = prepareDrain(server);
  server.on(
    "request",
    limitConnections(server, connections, (request, response) => {
      if (listener) listener(request, response);
      else response.writeHead(503, { "retry-after": String(retryAfterSeconds) }).end();
    }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === "EADDRINUSE"
          ? `port ${port} is in use: stop the other program, or choose another port with ${option}`
          : error.code === "EACCES"
            ? `this user may not listen on port ${port}: choose a port above 1023 with ${option}`
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
      listener = typeof app === "function" ? app(budget) : createNodeListener(app, budget);
    },
    drain,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
