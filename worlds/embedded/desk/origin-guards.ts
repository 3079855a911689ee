import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { isOwnHost } from "#inference/http/is-own-host.ts";

/** Whether another origin's page sends the request, except for a person's navigation. */
const isCrossOrigin = ({ req }: Context): boolean => {
  const site = req.header("sec-fetch-site");
  if (site === undefined || site === "same-origin" || site === "none") return false;
  return !(
    req.method === "GET" &&
    req.header("sec-fetch-mode") === "navigate" &&
    req.header("sec-fetch-dest") === "document"
  );
};

/**
 * Limits the desk to this machine: refuses other host names (DNS rebinding) and requests of other origins' pages, the
 * models' included. The desk's pages load nothing from other origins.
 */
export const requireLocalHost = createMiddleware(async (c, next) => {
  if (!isOwnHost(c.req.header("host"))) return c.text("Only localhost may open this page.", 403);
  if (isCrossOrigin(c)) return c.text("Another site sent this request: open the desk itself.", 403);
  await next();
  // The console's pages allow less.
  if (!c.res.headers.has("content-security-policy"))
    c.header(
      "content-security-policy",
      "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
  c.header("x-content-type-options", "nosniff");
  // Under a stricter policy a form's Origin header is null. Other origins get no referrer by this one either.
  c.header("referrer-policy", "same-origin");
  c.header("cross-origin-resource-policy", "same-origin");
});

/**
 * Whether a page of this very origin sends the request. A browser that sends no referrers says `Origin: null`, and so does a
 * sandboxed page of anybody; Sec-Fetch-Site, which no page can set, tells them apart.
 */
export const isOwnOrigin = ({ req }: Context): boolean => {
  const origin = req.header("origin");
  return (
    origin === `http://${req.header("host")}` ||
    (origin === "null" && req.header("sec-fetch-site") === "same-origin")
  );
};

/** Only the desk's own pages may change anything (CSRF). */
export const requireOwnOrigin = createMiddleware(async (c, next) => {
  if (c.req.method !== "GET" && !isOwnOrigin(c))
    return c.json(
      { status: "failed", notice: "Another site sent this request: use the desk's own page." },
      403,
    );
  await next();
});
