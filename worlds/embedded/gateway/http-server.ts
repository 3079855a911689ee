import { createServer, type RequestListener, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import type { App } from "#inference/http/app.ts";
import { type BodyBudget, createBodyBudget } from "#inference/http/body-budget.ts";
import { retryAfterSeconds } from "#inference/http/body-unreadable.ts";
import {
  defaultConnectionLimits,
  limitConnections,
  toServerOptions,
} from "#inference/http/limit-connections.ts";
import { createNodeListener } from "#inference/http/node-listener.ts";
import type { Log } from "#worlds/embedded/world.ts";
import { describeBodyError, setBodyLease } from "./request-body.ts";

/** The port is taken, or may not be listened on; the message says what to do. */
export class PortUnusable extends Error {
  override readonly name = "PortUnusable";
}

const createHonoListener = (app: Hono, log: Log, budget: BodyBudget): RequestListener => {
  app.onError((fault, context) => {
    const refusal = describeBodyError(fault);
    if (refusal) {
      if (refusal.status === 503) context.header("retry-after", String(retryAfterSeconds));
      return context.json(refusal, refusal.status);
    }
    log(`${context.req.method} ${context.req.path} failed`, fault);
    return context.json({ title: "Internal Server Error", status: 500 }, 500);
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return (request, response) => {
    const lease = budget.lease(request.socket);
    setBodyLease(request, lease);
    response.once("close", lease.end);
    void listener(request, response);
  };
};

/**
 * A server, on 127.0.0.1 alone unless another host is named. Its address may be needed by what it serves, so it
 * listens first and is given its app afterwards. Throws PortUnusable.
 * @param port 0: any free port
 * @param limits what its clients may take of it, and which option chooses its port, for what PortUnusable says
 */
export const startHttpServer = async (
  port: number,
  log: Log,
  host = "127.0.0.1",
  { connections = defaultConnectionLimits, budget = createBodyBudget(), option = "--port" } = {},
): Promise<{ url: string; serve: (app: Hono | App) => void; close: () => Promise<void> }> => {
  let listener: RequestListener | undefined;
  const server: Server = createServer(toServerOptions(connections));
  server.on(
    "request",
    limitConnections(server, connections, (request, response) => {
      if (listener) listener(request, response);
      else response.writeHead(503, { "retry-after": String(retryAfterSeconds) }).end();
    }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (fault: NodeJS.ErrnoException) => {
      const why =
        fault.code === "EADDRINUSE"
          ? `port ${port} is in use: stop what listens there, or choose another with ${option}`
          : fault.code === "EACCES"
            ? `this user may not listen on port ${port}: choose one above 1023 with ${option}`
            : `port ${port} cannot be listened on: ${fault.message}`;
      reject(new PortUnusable(why, { cause: fault }));
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new PortUnusable("the server has no port");
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    serve: (app) => {
      listener = app instanceof Hono ? createHonoListener(app, log, budget) : createNodeListener(app, budget);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
