import { createMiddleware } from "hono/factory";
import { createProblem } from "#inference/http/create-problem.ts";
import { isOwnHost } from "#inference/http/is-own-host.ts";
import { refuseCrossSite } from "#inference/http/refuse-cross-site.ts";
import { securityHeaders } from "#inference/http/security-headers.ts";

/** The path that the model's own service sees: what stands behind `/<environment>/models/<model>`. */
const stripModelPrefix = (path: string): string => path.replace(/^\/[^/]+\/models\/[^/]+/, "");

/**
 * What `serve` and the inference function do for a browser's sake, before any version of a model is called: those that
 * were built before these rules hold them too.
 */
export const guardModels = createMiddleware(async (context, next) => {
  const { method, path } = context.req;
  const header = (name: string) => context.req.header(name);
  const refused = isOwnHost(header("host") ?? new URL(context.req.url).host)
    ? refuseCrossSite({ method, path: stripModelPrefix(path), header })
    : createProblem("wrong-host", "This gateway is served to localhost only.");
  if (refused)
    context.res = Response.json(refused, {
      status: refused.status,
      headers: { "content-type": "application/problem+json" },
    });
  else await next();
  for (const [name, value] of Object.entries(securityHeaders))
    if (!context.res.headers.has(name)) context.res.headers.set(name, value);
});
