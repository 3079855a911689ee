import { createMiddleware } from "hono/factory";

const local = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/**
 * The desk is for this machine alone: it answers only requests that name it as a local host (a foreign name
 * that resolves to 127.0.0.1 is DNS rebinding), and its pages load nothing from elsewhere.
 */
export const localOnly = createMiddleware(async (c, next) => {
  if (!local.test(c.req.header("host") ?? "")) return c.text("This page is served to localhost only.", 403);
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
export const ownOriginOnly = createMiddleware(async (c, next) => {
  if (c.req.method !== "GET" && c.req.header("origin") !== `http://${c.req.header("host")}`)
    return c.json({ status: "failed", notice: "This request did not come from the desk's own page." }, 403);
  await next();
});
