import { html } from "hono/html";
import { roundToDigits } from "#domain/gates/number-format.ts";
import { describeEnd } from "#domain/ledger/describe-end.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import type { ModelDetails, VersionDetails } from "#domain/overview/model-details.ts";
import { describeOwner } from "#model-folder/manifest/describe-owner.ts";
import { type ConsolePaths, consolePaths } from "../console-paths.ts";
import type { Context } from "../context.ts";
import type { Html } from "../html.ts";
import { renderClosure } from "../render-closure.ts";
import { renderCommand } from "../render-command.ts";
import { renderDeliveriesList } from "../render-deliveries-list.ts";
import { renderHealth } from "../render-health.ts";
import type { Page } from "../render-page.ts";
import { renderPill, type Tone } from "../render-pill.ts";
import { renderTime } from "../render-time.ts";
import { renderCallsChart } from "./render-calls-chart.ts";
import { listMetricSeries, renderMetricChart } from "./render-metric-chart.ts";

const versionTones: Readonly<Record<VersionDetails["state"], Tone>> = {
  serving: "good",
  canary: "running",
  served: "neutral",
  "on stage": "running",
  "not promoted": "warn",
};

const renderVersions = (
  versions: readonly VersionDetails[],
  paths: ConsolePaths,
  model: string,
  now: number,
): Html => {
  const series = listMetricSeries(versions);
  // One version has no course over time.
  return html`${
    series.every(({ points }) => points.length < 2)
      ? ""
      : html`<div class="charts">${series.map(renderMetricChart)}</div>
<p class="legend"><span class="legend-key"><svg viewBox="0 0 14 14" aria-hidden="true"><rect class="mark serving" x="2" y="2" width="10" height="10"/></svg> serves prod</span> <span class="legend-key"><svg viewBox="0 0 14 14" aria-hidden="true"><path class="mark canary" d="M7 .5l6.500 6.500-6.500 6.500-6.500-6.500z"/></svg> canary</span> <span class="legend-key"><svg viewBox="0 0 14 14" aria-hidden="true"><circle class="mark served" cx="7" cy="7" r="4.500"/></svg> served before</span> <span class="legend-key"><svg viewBox="0 0 14 14" aria-hidden="true"><path class="mark other" d="M3 3l8 8m0-8l-8 8"/></svg> not on prod</span> <span class="legend-key"><svg viewBox="0 0 22 14" aria-hidden="true"><line class="limit" x1="0" x2="22" y1="7" y2="7"/></svg> limit</span></p>`
  }
<div class="scroll" tabindex="0" role="region" aria-label="Versions"><table class="data stacked"><thead><tr><th scope="col">Version</th><th scope="col">State</th>${series.map(({ name, unit }) => html`<th scope="col" class="number">${name}${unit === "" ? "" : html` <span class="faint">${unit}</span>`}</th>`)}<th scope="col">On stage</th></tr></thead>
<tbody>${versions.map(
    ({ version, state, comparisons, commit, at, delivery, subject }) =>
      html`<tr><th scope="row"><a href="${paths.delivery(model, delivery)}">v${version}</a> <code title="${commit}">${commit.slice(0, 12)}</code>${subject === null ? "" : html`<span class="under">${subject}</span>`}</th><td data-label="State">${renderPill(versionTones[state], state)}</td>${series.map(
        ({ name }) => {
          const value = comparisons.find((row) => row.name === name)?.challenger ?? null;
          return html`<td class="${value === null ? "number none" : "number"}" data-label="${name}">${value === null ? "–" : String(roundToDigits(value)).replace("-", "−")}</td>`;
        },
      )}<td data-label="On stage">${renderTime(at, now)}</td></tr>`,
  )}</tbody></table></div>`;
};

const entryTones: Readonly<Record<Deployment["status"], Tone>> = {
  deployed: "running",
  canary: "running",
  promoting: "running",
  promoted: "good",
  ended: "neutral",
};

const describeEntry = (entry: Deployment, userName: (user: string) => string | undefined): string => {
  const nameOf = (user: string) => userName(user) ?? user;
  if (entry.reason !== null) return `Rolled back by ${entry.reason}`;
  const approved =
    entry.approvedBy.length > 0 ? `Approved by ${entry.approvedBy.map(nameOf).join(", ")}` : "";
  const { breakGlass } = entry;
  const glass =
    breakGlass &&
    `prod was closed, and ${userName(breakGlass.user) ?? breakGlass.name} let it change prod: ${breakGlass.reason}`;
  const parts = [approved, glass, describeEnd(entry, userName)].filter(
    (part) => part !== undefined && part !== "",
  );
  const text = parts.join("; ");
  return text.slice(0, 1).toUpperCase() + text.slice(1);
};

const renderLedger = (ledger: readonly Deployment[], { links, now }: Context, paths: ConsolePaths): Html => {
  const userName = (user: string) => links.userName?.(user);
  const current = ledger.find(({ status }) => status === "promoted");
  return html`<ol class="rows" reversed>${ledger.map((entry) => {
    const isRollback = entry.reason !== null;
    return html`<li class="row"><div class="row-main"><span class="faint">#${entry.sequence}</span> ${
      isRollback
        ? html`<b>v${entry.version}</b>`
        : html`<a class="row-link" href="${paths.delivery(entry.model, entry.delivery)}">v${entry.version}</a>`
    } <span class="faint"><code title="${entry.digest}">${entry.digest.slice(0, 19)}…</code></span></div>
<div class="row-status">${renderPill(
      entry === current ? "good" : entry.status === "promoted" ? "neutral" : entryTones[entry.status],
      entry === current ? "serves prod" : entry.status === "promoted" ? "served before" : entry.status,
    )} <span class="faint">${describeEntry(entry, userName)}</span></div>
<div class="row-time">${renderTime(entry.promotedAt ?? entry.startedAt, now)}</div></li>`;
  })}</ol>`;
};

/** A model: what serves, its versions with their metrics over time, prod's ledger, the way back, its API. */
export const renderModel = (details: ModelDetails, context: Context): Page => {
  const { links, now, hasAudit } = context;
  const { summary, owner, versions, ledger, rollbackTo, hourlyCalls, deliveries } = details;
  const { model, stage, prod, canary, health } = summary;
  const paths = consolePaths(links.base);
  const served = (name: string, value: Html) =>
    html`<div class="tile"><dt>${name}</dt><dd>${value}</dd></div>`;
  return {
    title: model,
    active: "models",
    trail: [{ label: "Models", href: paths.home }],
    refresh: 10,
    body: html`<header class="head"><div><h1>${model}</h1>${owner === null ? "" : html`<p class="faint">owned by ${describeOwner(owner)}</p>`}</div>
<ul class="links inline">${links.apiDocs && prod ? html`<li><a href="${links.apiDocs("prod", model)}">API docs of prod</a></li>` : ""}${links.apiDocs && stage ? html`<li><a href="${links.apiDocs("stage", model)}">API docs of stage</a></li>` : ""}${links.records && prod ? html`<li><a href="${links.records(model)}">Prediction records</a></li>` : ""}${hasAudit ? html`<li><a href="${paths.audit(model)}">Audit trail</a></li>` : ""}</ul></header>
<section id="serving" data-live aria-label="What serves">${summary.closed === null ? "" : renderClosure(summary.closed, now)}<dl class="tiles">
${served("Prod", prod === null ? html`<span class="faint">nothing</span>` : html`<a class="big" href="${paths.delivery(model, prod.delivery)}">v${prod.version}</a><span class="faint">${renderTime(prod.since, now)}</span>`)}
${served("Canary", canary === null ? html`<span class="faint">none</span>` : html`<a class="big" href="${paths.delivery(model, canary.delivery)}">v${canary.version}</a><span>${canary.percent} % of prod's traffic</span>`)}
${served("Stage", stage === null ? html`<span class="faint">nothing</span>` : html`<span class="big">v${stage.version}</span><span class="faint">${renderTime(stage.since, now)}</span>`)}
${served("Health of prod", renderHealth(health))}
</dl>${hourlyCalls === null || hourlyCalls.calls.every((each) => each === 0) ? "" : renderCallsChart(hourlyCalls)}</section>
<section id="versions" data-live aria-labelledby="versions-title"><h2 id="versions-title">Versions <span class="count">${versions.length}</span></h2>${
      versions.length === 0
        ? html`<p class="empty">No version came to stage yet.</p>`
        : renderVersions(versions, paths, model, now)
    }</section>
<section id="rollback" data-live aria-labelledby="rollback-title"><h2 id="rollback-title">Roll back</h2>${
      canary !== null
        ? html`<p>Ends the canary of v${canary.version}: prod keeps v${prod?.version ?? "–"} with all traffic.</p>`
        : rollbackTo === null
          ? html`<p class="empty">Nothing served prod before, so there is no version to go back to.</p>`
          : html`<p>Puts <b>v${rollbackTo.version}</b> back on prod and checks its golden vectors.</p>`
    }${canary === null && rollbackTo === null ? "" : renderCommand(links.command(`slipway rollback ${model} --reason "why"`))}</section>
<section id="ledger" data-live aria-labelledby="ledger-title"><h2 id="ledger-title">Prod's ledger</h2>${
      ledger.length === 0
        ? html`<p class="empty">Prod served no version yet.</p>`
        : renderLedger(ledger, context, paths)
    }</section>
<section id="deliveries" data-live aria-labelledby="deliveries-title"><h2 id="deliveries-title">Deliveries</h2>${
      deliveries.length === 0
        ? html`<p class="empty">None yet.</p>`
        : renderDeliveriesList(deliveries, { paths, now })
    }<p class="pager"><a href="${paths.deliveries({ model })}">All deliveries of ${model}</a></p></section>`,
  };
};
