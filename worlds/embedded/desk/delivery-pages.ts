import { type Context, Hono } from "hono";
import { html } from "hono/html";
import { readDeliveryFacts } from "./delivery-facts.ts";
import { renderDelivery, renderDeliveryList } from "./delivery-html.ts";
import type { DeskOptions, DeskUser } from "./desk-options.ts";
import { renderLayout } from "./layout.ts";
import type { Html } from "./mrkdwn.ts";

/** The list of deliveries, and a page for each, with its state and its error. */
export const createDeliveryPages = (
  options: DeskOptions & { readonly me: (c: Context) => DeskUser },
): Hono => {
  const { deliveries, state, clock, me } = options;
  const renderPage = (c: Context, heading: Html, title: string, sheet: Html) =>
    c.html(
      renderLayout(options, {
        title,
        me: me(c),
        path: c.req.path,
        current: "deliveries",
        main: html`<header class="top"><h1>${heading}</h1></header><div class="scroll" tabindex="0" data-sheet>${sheet}</div>`,
      }),
    );

  const app = new Hono();
  app.get("/", async (c) => {
    const after = c.req.query("after");
    const { executions, cursor } = await deliveries.list({
      limit: 50,
      ...(after === undefined ? {} : { after }),
    });
    const sheet = renderDeliveryList(executions, { me: me(c).id, now: clock(), next: cursor });
    return renderPage(c, html`Deliveries`, "Deliveries · Slipway", sheet);
  });
  app.get("/:delivery", async (c) => {
    const name = c.req.param("delivery");
    const execution = await deliveries.describe(name);
    const back = html`<a href="/deliveries?as=${me(c).id}">Deliveries</a> <span class="faint">/</span> ${name}`;
    if (execution === undefined) {
      c.status(404);
      return renderPage(
        c,
        back,
        "Unknown delivery · Slipway",
        html`<p class="empty">There is no delivery of this name.</p>`,
      );
    }
    const facts = readDeliveryFacts(execution, await deliveries.history(name));
    const message = state.messageAbout(name)?.ts;
    return renderPage(
      c,
      back,
      `${facts.input?.model ?? name} · Slipway`,
      renderDelivery(facts, { me: me(c).id, now: clock(), message }),
    );
  });
  return app;
};
