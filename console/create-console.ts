import { createHash } from "node:crypto";
import { html } from "hono/html";
import { renderApproval } from "./approval/render-approval.ts";
import { renderAudit } from "./audit/render-audit.ts";
import { watchTrails } from "./audit/watch-trails.ts";
import { renderCanary } from "./canary/render-canary.ts";
import type { ConsoleLinks } from "./console-links.ts";
import { consolePaths } from "./console-paths.ts";
import type { ConsoleSource } from "./console-source.ts";
import type { Context } from "./context.ts";
import { parseDeliveryFilter, renderDeliveries } from "./deliveries/render-deliveries.ts";
import { renderDelivery } from "./delivery/render-delivery.ts";
import { parseHomeFilter, renderHome } from "./home/render-home.ts";
import { renderModel } from "./model/render-model.ts";
import { readAssets } from "./read-assets.ts";
import { type Page, renderPage } from "./render-page.ts";

export type ConsoleRequest = {
  /** Below the console's base, as received: `/models/churn`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The header If-None-Match. */
  readonly entityTag?: string | undefined;
};

export type ConsoleResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** `facts`: what the page shows; equal facts give equal pages except for ages. */
type Found = { readonly facts: unknown; readonly render: (context: Context) => Page };
type Redirect = { readonly location: string };
type Handler = (names: readonly string[], query: URLSearchParams) => Promise<Found | Redirect | undefined>;

const securityHeaders = {
  "content-security-policy":
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  // Under a stricter policy a form's Origin header is null. Other origins get no referrer by this one either.
  "referrer-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
} as const;

/** Names of models, deliveries and rollbacks: no store and no engine is asked about another text, or a longer one. */
const namePattern = /^[\w.-]{1,128}$/;

/** Finds a page; `:name` in a pattern matches one segment of the path. */
const createRouter = (routes: Readonly<Record<string, Handler>>) => {
  const table = Object.entries(routes).map(([pattern, handler]) => ({
    matches: new RegExp(`^${pattern.replaceAll(/:[a-z]+/g, "([^/]+)")}$`),
    handler,
  }));
  return (path: string): { readonly handler: Handler; readonly names: readonly string[] } | undefined => {
    for (const { matches, handler } of table) {
      const found = matches.exec(path);
      if (!found) continue;
      try {
        const names = found.slice(1).map(decodeURIComponent);
        return names.every((name) => namePattern.test(name)) ? { handler, names } : undefined;
      } catch {
        // Not percent-encoded text, so it names nothing.
        return undefined;
      }
    }
    return undefined;
  };
};

/** Facts of the same minute: ages and countdowns of a page without a script stay true to a minute. */
const ageMs = 60_000;

/**
 * The console: every page of both worlds, rendered from what `source` reads. It writes nothing. Errors of the source are
 * the caller's.
 * @param now epoch milliseconds
 */
export const createConsole = ({
  source,
  now,
  links,
}: {
  readonly source: ConsoleSource;
  readonly now: () => number;
  readonly links: ConsoleLinks;
}) => {
  const assets = readAssets();
  const paths = consolePaths(links.base);
  const page = <Facts>(
    facts: Facts | undefined,
    render: (facts: Facts, context: Context) => Page,
  ): Found | undefined =>
    facts === undefined ? undefined : { facts, render: (context) => render(facts, context) };
  const { readAudit } = source;
  const findBrokenTrails = readAudit && watchTrails({ readAudit, now });
  const readHome = async (query: URLSearchParams) => {
    const models = await source.readHome();
    const trails = (await findBrokenTrails?.(models.map(({ model }) => model))) ?? [];
    return { models, trails, filter: parseHomeFilter(query) };
  };

  const findRoute = createRouter({
    "/?": async (_, query) => page(await readHome(query), renderHome),
    "/deliveries": async (_, query) => {
      const filter = parseDeliveryFilter(query);
      const [list, models] = await Promise.all([source.listDeliveries(filter), source.listModels()]);
      return page({ ...list, filter, models }, renderDeliveries);
    },
    "/deliveries/:delivery": async ([delivery = ""]) => {
      const model = await source.findModel(delivery);
      return model === undefined ? undefined : { location: paths.delivery(model, delivery) };
    },
    "/models/:model": async ([model = ""]) => page(await source.readModel(model), renderModel),
    ...(readAudit
      ? {
          "/models/:model/audit": async ([model = ""]: readonly string[]) => {
            const trail = await readAudit(model);
            return page(trail && { model, trail }, renderAudit);
          },
        }
      : {}),
    "/models/:model/deliveries/:delivery": async ([model = "", delivery = ""]) =>
      page(await source.readDelivery(model, delivery), renderDelivery),
    "/models/:model/deliveries/:delivery/canary": async ([model = "", delivery = ""], query) => {
      const facts = await source.readCanary?.(model, delivery);
      const ordered = query.get("ordered");
      return page(facts && { facts, ordered }, (shown, context) =>
        renderCanary(shown.facts, context, shown.ordered),
      );
    },
    "/models/:model/deliveries/:delivery/approval": async ([model = "", delivery = ""]) => {
      const record = await source.readDelivery(model, delivery);
      return record && record.questions.length > 0 ? page(record, renderApproval) : undefined;
    },
  });

  const respond = async (status: number, shown: Page, entityTag?: string): Promise<ConsoleResponse> => ({
    status,
    headers: {
      ...securityHeaders,
      "content-type": "text/html; charset=utf-8",
      // A browser asks each time, and gets 304 where nothing changed.
      "cache-control": "private, no-cache",
      ...(entityTag === undefined ? {} : { etag: entityTag }),
    },
    body: await renderPage({ links, revision: assets.revision, entityTag }, shown),
  });

  return async ({ path, query, entityTag }: ConsoleRequest): Promise<ConsoleResponse> => {
    const asset = assets.files.get(path.slice(1));
    if (asset)
      return {
        status: 200,
        headers: {
          ...securityHeaders,
          "content-type": asset.type,
          "cache-control":
            query.get("v") === assets.revision ? "public, max-age=31536000, immutable" : "no-cache",
        },
        body: asset.content,
      };
    const route = findRoute(path);
    const found = await route?.handler(route.names, query);
    if (!found) return respond(404, renderNotFound(paths.home));
    if ("location" in found)
      return { status: 302, headers: { ...securityHeaders, location: found.location }, body: "" };
    const at = now();
    const current = `"${createHash("sha256")
      .update(JSON.stringify([assets.revision, path, query.toString(), Math.floor(at / ageMs), found.facts]))
      .digest("base64url")
      .slice(0, 27)}"`;
    if (entityTag?.split(/\s*,\s*/).some((tag) => tag.replace(/^W\//, "") === current))
      return {
        status: 304,
        headers: { ...securityHeaders, "cache-control": "private, no-cache", etag: current },
        body: "",
      };
    const context = { links, now: at, hasAudit: readAudit !== undefined };
    return respond(200, found.render(context), current);
  };
};

const renderNotFound = (home: string): Page => ({
  title: "Not found",
  active: null,
  refresh: null,
  body: html`<h1>There is no such page</h1>
<p>The address names no model, delivery or page that is known here. It may have been mistyped, or the model was never delivered.</p>
<p><a class="button" href="${home}">All models</a></p>`,
});
