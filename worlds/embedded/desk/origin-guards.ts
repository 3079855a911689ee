import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { isOwnHost } from "#inference/http/is-own-host.ts";

/** Whether the browser says that another origin's page asks, and not for a page that a person goes to. */
const isForeign = ({ req }: Context): boolean => {
  const site = req.header("sec-fetch-site");
  if (site === undefined || site === "same-origin" || site === "none") return false;
  return !(
    req.method === "GET" &&
    req.header("sec-fetch-mode") === "navigate" &&
    req.header("sec-fetch-dest") === "document"
  );
};

/**
 * The desk is for this machine alone: it answers only requests that name it as a local host (a foreign name
 * that resolves to 127.0.0.1 is DNS rebinding) and that no other origin's page makes, the models' among them, and its
 * pages load nothing from elsewhere.
 */
export const requireLocalHost = createMiddleware(async (c, next) => {
  if (!isOwnHost(c.req.header("host"))) return c.text("This page is served to localhost only.", 403);
  if (isForeign(c)) return c.text("Another site's page made this request: open the desk itself.", 403);
  await next();
  c.header(
    "content-security-policy",
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  );
  c.header("x-content-type-options", "nosniff");
  c.header("referrer-policy", "no-referrer");
  c.header("cross-origin-resource-policy", "same-origin");
});

/** Another site's page may not act through the person's browser: what changes anything comes from our own pages. */
export const requireOwnOrigin = createMiddleware(async (c, next) => {
  if (c.req.method !== "GET" && c.req.header("origin") !== `http://${c.req.header("host")}`)
    return c.json({ status: "failed", notice: "This request did not come from the desk's own page." }, 403);
  await next();
});
