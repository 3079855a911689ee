import { createMiddleware } from "hono/factory";
import { createProblem } from "#inference/http/create-problem.ts";
import { isOwnHost } from "#inference/http/is-own-host.ts";
import { refuseCrossSite } from "#inference/http/refuse-cross-site.ts";
import { securityHeaders } from "#inference/http/security-headers.ts";

/** The path that the model's service sees, without `/<environment>/models/<model>`. */
const stripModelPrefix = (path: string): string => path.replace(/^\/[^/]+\/models\/[^/]+/, "");

/**
 * Applies the browser rules of `serve` and the inference function before a version is called, so that they hold for
 * versions that were built before the rules.
 */
export const guardModels = createMiddleware(async (context, next) => {
  const { method, path } = context.req;
  const header = (name: string) => context.req.header(name);
  const problem = isOwnHost(header("host") ?? new URL(context.req.url).host)
    ? refuseCrossSite({ method, path: stripModelPrefix(path), header })
    : createProblem("wrong-host", "Only localhost may call this gateway.");
  if (problem)
    context.res = Response.json(problem, {
      status: problem.status,
      headers: { "content-type": "application/problem+json" },
    });
  else await next();
  for (const [name, value] of Object.entries(securityHeaders))
    if (!context.res.headers.has(name)) context.res.headers.set(name, value);
});
