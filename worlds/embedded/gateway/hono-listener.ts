import type { RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import type { BodyBudget } from "#inference/http/body-budget.ts";
import { retryAfterSeconds } from "#inference/http/body-unreadable.ts";
import type { Log } from "#worlds/embedded/capabilities.ts";
import { describeBodyError, setBodyLease } from "./request-body.ts";

/** Answers a server's requests by a Hono app: the desk, the engine and the gateway. `slipway serve` has none of it. */
export const honoListener =
  (app: Hono, log: Log) =>
  (budget: BodyBudget): RequestListener => {
    app.onError((error, context) => {
      const refusal = describeBodyError(error);
      if (refusal) {
        if (refusal.status === 503) context.header("retry-after", String(retryAfterSeconds));
        return context.json(refusal, refusal.status);
      }
      log(`${context.req.method} ${context.req.path} failed`, error);
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
