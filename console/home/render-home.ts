import { html } from "hono/html";
import * as z from "zod";
import { formatVerdict } from "#domain/message/format-verdict.ts";
import type { ModelSummary, NeededAction, ServedVersion } from "#domain/overview/model-summary.ts";
import { explainRemedy } from "#statemachine/explain-remedy.ts";
import type { TrailProblem } from "../audit/watch-trails.ts";
import { type ConsolePaths, consolePaths } from "../console-paths.ts";
import type { Context } from "../context.ts";
import { describeStatus } from "../delivery-status.ts";
import type { Html } from "../html.ts";
import { renderClosure } from "../render-closure.ts";
import { renderHealth } from "../render-health.ts";
import type { Page } from "../render-page.ts";
import { renderPill } from "../render-pill.ts";
import { renderSentence } from "../render-sentence.ts";
import { renderTime } from "../render-time.ts";

const shows = ["all", "needs-you", "under-way", "not-on-prod"] as const;
type Show = (typeof shows)[number];
export type HomeFilter = { readonly show: Show; readonly name: string };

const Filter = z.object({
  show: z.enum(shows).catch("all"),
  name: z.string().max(60).catch(""),
});
/** What of a query filters the models; the rest counts for nothing. */
export const parseHomeFilter = (query: URLSearchParams): HomeFilter =>
  Filter.parse(Object.fromEntries(query));

const showWords: Readonly<Record<Show, string>> = {
  all: "all",
  "needs-you": "need you",
  "under-way": "under way",
  "not-on-prod": "not on prod",
};
const isShown = (
  { model, actions, lastDelivery, prod }: ModelSummary,
  { show, name }: HomeFilter,
): boolean => {
  if (!model.includes(name.trim().toLowerCase())) return false;
  switch (show) {
    case "all":
      return true;
    case "needs-you":
      return actions.length > 0;
    case "under-way":
      return lastDelivery !== null && lastDelivery.outcome === null;
    case "not-on-prod":
      return prod === null;
    default:
      return show satisfies never;
  }
};

const renderAction = (
  model: string,
  action: NeededAction,
  { links, now }: Context,
  paths: ConsolePaths,
): Html => {
  switch (action.kind) {
    case "decide": {
      const { question } = action;
      const { delivery, version, canary, evidence, expiresAt, askedAt, rule, state } = question;
      const votes = state.status === "pending" ? state.votes.length : 0;
      const message = links.message?.(delivery);
      return html`<li class="action warn">
<div><h3><a href="${paths.approval(model, delivery)}">${canary === null ? `Approve ${model} v${version} for production?` : `Continue the inconclusive canary of ${model} v${version}?`}</a></h3>
<p>${formatVerdict(evidence) || "No check was made"}${rule.quorum > 1 ? ` · ${votes} of ${rule.quorum} approvals` : ""} · asked ${renderTime(askedAt, now)} · expires ${renderTime(expiresAt, now)}</p></div>
<p class="buttons"><a class="button" href="${paths.approval(model, delivery)}">See the evidence</a>${message === undefined ? "" : html`<a class="button primary" href="${message}">Decide${links.channel ? ` in ${links.channel.label}` : ""}</a>`}</p></li>`;
    }
    case "failed": {
      const { delivery } = action;
      const error = delivery.error?.name ?? "failed";
      return html`<li class="action bad">
<div><h3><a href="${paths.delivery(model, delivery.delivery)}">${model}${delivery.version === null ? "" : ` v${delivery.version}`}: ${error}</a></h3>
<p>${renderSentence(explainRemedy({ name: error, cause: delivery.error?.cause }, model))}</p><p class="faint">${renderTime(delivery.endedAt ?? delivery.startedAt, now)}</p></div>
<p class="buttons"><a class="button" href="${paths.delivery(model, delivery.delivery)}">See why</a></p></li>`;
    }
    case "expired": {
      const { delivery } = action;
      return html`<li class="action warn">
<div><h3><a href="${paths.delivery(model, delivery.delivery)}">${model}${delivery.version === null ? "" : ` v${delivery.version}`}: nobody decided in time</a></h3>
<p>Deliver it again: <code>${links.command(`slipway deliver ${model}`)}</code></p><p class="faint">${renderTime(delivery.endedAt ?? delivery.startedAt, now)}</p></div></li>`;
    }
    default:
      return action satisfies never;
  }
};

const renderServed = (served: ServedVersion | null, now: number): Html =>
  served === null
    ? html`<span class="faint">nothing</span>`
    : html`<b>v${served.version}</b> ${renderTime(served.since, now)}`;

const renderModel = (summary: ModelSummary, now: number, paths: ConsolePaths): Html => {
  const { model, stage, prod, canary, health, lastDelivery } = summary;
  const status = lastDelivery && describeStatus(lastDelivery);
  return html`<li class="model"><h3><a class="row-link" href="${paths.model(model)}">${model}</a></h3>
<dl>
<div><dt>Prod</dt><dd>${renderServed(prod, now)}</dd></div>
<div><dt>Canary</dt><dd>${canary === null ? html`<span class="faint">none</span>` : html`<a href="${paths.delivery(model, canary.delivery)}"><b>v${canary.version}</b> at ${canary.percent} %</a>`}</dd></div>
<div><dt>Stage</dt><dd>${renderServed(stage, now)}</dd></div>
<div><dt>Last delivery</dt><dd>${
    lastDelivery === null || status === null
      ? html`<span class="faint">none</span>`
      : html`<a href="${paths.delivery(model, lastDelivery.delivery)}">${renderPill(status.tone, status.text)}</a> ${renderTime(lastDelivery.startedAt, now)}`
  }</dd></div>
<div class="wider"><dt>Health of prod</dt><dd>${renderHealth(health)}</dd></div>
</dl></li>`;
};

const renderTrailProblem = ({ model, problem }: TrailProblem, paths: ConsolePaths): Html =>
  problem === "broken"
    ? html`<p class="notice bad"><b>✕ The audit chain of <a href="${paths.audit(model)}">${model}</a> is broken.</b> Its page names the entries.</p>`
    : html`<p class="notice warn">The audit trail of <a href="${paths.audit(model)}">${model}</a> could not be verified just now.</p>`;

/** Every model, what needs a person first. */
export const renderHome = (
  {
    models,
    trails,
    filter,
  }: {
    readonly models: readonly ModelSummary[];
    /** Audit trails that do not hold. */
    readonly trails: readonly TrailProblem[];
    readonly filter: HomeFilter;
  },
  context: Context,
): Page => {
  const { links, now } = context;
  const paths = consolePaths(links.base);
  const shown = models.filter((model) => isShown(model, filter));
  // A freeze of all models closes prod of each.
  const closures = [
    ...new Map(
      models.flatMap(({ closed }) => (closed ? [[`${closed.why}\n${closed.until}`, closed] as const] : [])),
    ).values(),
  ];
  const actions = models.flatMap(({ model, actions }) => actions.map((action) => ({ model, action })));
  return {
    title: actions.length + trails.length === 0 ? "Models" : `(${actions.length + trails.length}) Models`,
    active: "models",
    refresh: 10,
    body: html`<h1 class="hidden">Models</h1>
<section id="needs" data-live aria-labelledby="needs-title"><h2 id="needs-title">Needs you${actions.length === 0 ? "" : html` <span class="count">${actions.length}</span>`}</h2>
${trails.map((trail) => renderTrailProblem(trail, paths))}
${closures.map((closure) => renderClosure(closure, now))}
${
  actions.length === 0
    ? html`<p class="calm"><span aria-hidden="true">✓</span> ${closures.length + trails.length === 0 ? "Nothing waits for a person." : "No decision waits for a person."}</p>`
    : html`<ul class="actions">${actions.map(({ model, action }) => renderAction(model, action, context, paths))}</ul>`
}</section>
<div class="split"><h2 id="models-title">Models <span class="count">${shown.length === models.length ? models.length : `${shown.length} of ${models.length}`}</span></h2>
${
  models.length === 0
    ? ""
    : html`<form class="filter" method="get" action="${paths.home}" role="search"><label>Name <input type="search" name="name" value="${filter.name}" maxlength="60" autocomplete="off"></label>
<label>Show <select name="show">${shows.map(
        (show) =>
          html`<option value="${show}"${show === filter.show ? html` selected` : ""}>${showWords[show]}</option>`,
      )}</select></label><button class="button">Filter</button>${filter.name !== "" || filter.show !== "all" ? html`<a href="${paths.home}">Show all</a>` : ""}</form>`
}</div>
<section id="models" data-live aria-labelledby="models-title">${
      models.length === 0
        ? html`<p class="empty">No model was delivered yet. Commit a model's folder, and it appears here.</p>`
        : shown.length === 0
          ? html`<p class="empty">No model matches.</p>`
          : html`<ul class="models">${shown.map((model) => renderModel(model, now, paths))}</ul>`
    }</section>`,
  };
};
