import { Hono, type MiddlewareHandler } from "hono";
import { compress } from "hono/compress";
import { refuse } from "./http-answer.ts";
import { nativeRoutes } from "./native/native-routes.ts";
import { oipRoutes } from "./oip/oip-routes.ts";
import { openapiRoutes } from "./openapi/openapi-routes.ts";
import { problem } from "./problem.ts";
import { predictionsRoutes } from "./records/predictions-routes.ts";
import { endpointRoutes } from "./scoring/endpoint-routes.ts";
import { scoringRoutes } from "./scoring/scoring-routes.ts";
import type { Service } from "./service.ts";

/** Every address answers the methods that it does not take with 405 and those that it takes. */
const refuseOtherMethods = (app: Hono): void => {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method === "ALL") continue;
    const taken = methods.get(path) ?? new Set();
    methods.set(path, taken.add(method));
    // Hono answers HEAD wherever it answers GET.
    if (method === "GET") taken.add("HEAD");
  }
  for (const [path, taken] of methods)
    app.all(path, () => {
      const allow = [...taken].sort().join(", ");
      const response = refuse(problem("method-not-allowed", `Allowed here: ${allow}.`));
      response.headers.set("allow", allow);
      return response;
    });
};

/**
 * The inference service over HTTP, in each of its protocols. Whatever is refused is a problem (RFC 9457). Each answer
 * carries x-request-id, the caller's own where it is 1 to 128 printable characters.
 * @param admission asks each request for its API key, where no gateway has done so before
 */
export const createApp = (service: Service, admission?: MiddlewareHandler): Hono => {
  const app = new Hono();
  app.use(async (context, next) => {
    const given = context.req.header("x-request-id") ?? "";
    await next();
    context.header("x-request-id", /^[\x21-\x7e]{1,128}$/.test(given) ? given : service.newId());
  });
  if (admission) app.use(admission);
  app.use(compress({ encoding: "gzip" }));
  app.route("/", nativeRoutes(service));
  app.route("/", predictionsRoutes({ reader: service.records?.reader, log: service.log }));
  app.route("/", openapiRoutes(service));
  app.route("/", oipRoutes(service));
  app.route("/", scoringRoutes(service));
  app.route("/", endpointRoutes(service));
  refuseOtherMethods(app);
  app.notFound(() => refuse(problem("not-found", "See /v1/model for what is served here.")));
  app.onError(() => refuse(problem("prediction-failed", "The service failed.")));
  return app;
};
