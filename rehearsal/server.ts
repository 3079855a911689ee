import { createServer, type RequestListener, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import type { App } from "../inference/app.ts";
import { nodeListener } from "../inference/http/node-listener.ts";
import type { CallbackAnswer, SlackCallback } from "../lambdas/answer-approval/answer-approval.ts";
import type { Log } from "./world.ts";

/** The port is taken, or may not be listened on; the message says what to do. */
export class PortUnusable extends Error {
  override readonly name = "PortUnusable";
}

export const callbackPath = "/slack/interactions";

/** Slack's request URL: hands the raw bytes to answer-approval, as its Lambda handler does. */
export const slackCallbackRoute = (answer: (callback: SlackCallback) => Promise<CallbackAnswer>): Hono =>
  new Hono().post(callbackPath, async (context) => {
    const { status, body } = await answer({
      rawBody: new Uint8Array(await context.req.arrayBuffer()),
      headers: context.req.header(),
    });
    const json = body.startsWith("{");
    return new Response(body, {
      status,
      headers: { "content-type": json ? "application/json" : "text/plain" },
    });
  });

const honoListener = (app: Hono, log: Log): RequestListener => {
  app.onError((fault, context) => {
    log(`${context.req.method} ${context.req.path} failed`, fault);
    return context.json({ title: "Internal Server Error", status: 500 }, 500);
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return (request, response) => void listener(request, response);
};

/**
 * A server, on 127.0.0.1 alone unless another host is named. Its address may be needed by what it serves, so it
 * listens first and is given its app afterwards. Throws PortUnusable.
 * @param port 0: any free port
 */
export const listen = async (
  port: number,
  log: Log,
  host = "127.0.0.1",
): Promise<{ url: string; serve: (app: Hono | App) => void; close: () => Promise<void> }> => {
  let listener: RequestListener | undefined;
  const server: Server = createServer((request, response) => {
    if (listener) listener(request, response);
    else response.writeHead(503, { "retry-after": "1" }).end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (fault: NodeJS.ErrnoException) => {
      const why =
        fault.code === "EADDRINUSE"
          ? `port ${port} is in use: stop what listens there, or choose another with --port`
          : fault.code === "EACCES"
            ? `this user may not listen on port ${port}: choose one above 1023 with --port`
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
      listener = app instanceof Hono ? honoListener(app, log) : nodeListener(app);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
