import { html } from "hono/html";
import * as z from "zod";
import { Outcome } from "#domain/delivery/outcomes.ts";
import type { DeliveryFilter, DeliveryPage } from "#domain/overview/delivery-summary.ts";
import { ModelName } from "#model-folder/manifest/manifest.ts";
import { consolePaths } from "../console-paths.ts";
import type { Context } from "../context.ts";
import { renderDeliveriesList } from "../render-deliveries-list.ts";
import type { Page } from "../render-page.ts";

const outcomes = ["running", ...Outcome.options] as const;
const Filter = z.object({
  model: ModelName.optional().catch(undefined),
  outcome: z.enum(outcomes).optional().catch(undefined),
  after: z
    .string()
    .regex(/^[A-Za-z0-9_-]{2,300}$/)
    .optional()
    .catch(undefined),
});

/** What of a query filters the list; the rest counts for nothing. */
export const parseDeliveryFilter = (query: URLSearchParams): DeliveryFilter => {
  const { model, outcome, after } = Filter.parse(Object.fromEntries(query));
  return { model, outcome, after };
};

const outcomeWords: Readonly<Record<(typeof outcomes)[number], string>> = {
  running: "under way",
  promoted: "promoted",
  rejected: "rejected",
  expired: "expired",
  superseded: "superseded",
  unchanged: "unchanged",
  failed: "failed",
};

/** Every delivery, newest first. */
export const renderDeliveries = (
  {
    deliveries,
    next,
    filter,
    models,
  }: DeliveryPage & { readonly filter: DeliveryFilter; readonly models: readonly string[] },
  { links, now }: Context,
): Page => {
  const paths = consolePaths(links.base);
  const isFiltered = filter.model !== undefined || filter.outcome !== undefined;
  return {
    title: "Deliveries",
    active: "deliveries",
    refresh: filter.after === undefined ? 10 : null,
    body: html`<header class="head"><h1>Deliveries</h1></header>
<form class="filter" method="get" action="${paths.deliveries()}">
<label>Model <select name="model"><option value="">all</option>${models.map(
      (model) => html`<option${model === filter.model ? html` selected` : ""}>${model}</option>`,
    )}</select></label>
<label>Outcome <select name="outcome"><option value="">any</option>${outcomes.map(
      (outcome) =>
        html`<option value="${outcome}"${outcome === filter.outcome ? html` selected` : ""}>${outcomeWords[outcome]}</option>`,
    )}</select></label>
<button class="button">Filter</button>${isFiltered ? html`<a href="${paths.deliveries()}">Show all</a>` : ""}</form>
<section id="list" data-live>${
      deliveries.length === 0
        ? html`<p class="empty">${
            isFiltered || filter.after !== undefined
              ? "No delivery matches."
              : html`No deliveries yet. Commit a change of a model's folder, or run <code>${links.command("slipway deliver <model>")}</code>.`
          }</p>`
        : renderDeliveriesList(deliveries, { paths, now })
    }
${
  next === null
    ? ""
    : html`<p class="pager"><a class="button" rel="next" href="${paths.deliveries({ ...filter, after: next })}">Older</a></p>`
}</section>`,
  };
};
