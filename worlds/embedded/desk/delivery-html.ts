import { html } from "hono/html";
import type { Check } from "#domain/gates/verdict.ts";
import type { Execution } from "#platform/deliveries/deliveries.ts";
import { type DeliveryFacts, readDeliveryFacts, type StateRun } from "./delivery-facts.ts";
import { renderEmoji } from "./emoji.ts";
import type { Html } from "./mrkdwn.ts";

const moment = new Intl.DateTimeFormat("en-US", {
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
  second: "2-digit",
});
const renderTime = (iso: string): Html =>
  html`<time datetime="${iso}">${moment.format(new Date(iso))}</time>`;

/** `0.3 s`, `4.2 s`, `3 min 5 s`, `2 h 4 min`. */
const formatDuration = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return seconds < 3_600
    ? `${Math.floor(seconds / 60)} min ${seconds % 60} s`
    : `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
};

const tone = (facts: Pick<DeliveryFacts, "status" | "outcome">): string => {
  if (facts.status === "RUNNING") return "running";
  if (facts.outcome === "promoted") return "good";
  return facts.outcome === "failed" ? "bad" : "neutral";
};
const renderPill = (facts: Pick<DeliveryFacts, "status" | "outcome">): Html =>
  html`<span class="pill ${tone(facts)}">${facts.status === "RUNNING" ? "running" : (facts.outcome ?? facts.status.toLowerCase())}</span>`;

const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 4 });
const formatMeasured = (value: number | null): string =>
  value === null ? "–" : number.format(value).replace("-", "−");
const verdictEmoji = { pass: "white_check_mark", fail: "x", inconclusive: "grey_question" } as const;

const renderCheckTable = (title: string, checks: readonly Check[]): Html => {
  const failed = checks.filter(({ verdict }) => verdict !== "pass").length;
  return html`<h3>${title} <span class="faint">${checks.length - failed} of ${checks.length} passed</span></h3>
  <div class="table"><table><thead><tr><th scope="col">Check</th><th scope="col">Verdict</th><th scope="col" class="number">Measured</th><th scope="col" class="number">Limit</th><th scope="col">Unit</th><th scope="col">Detail</th></tr></thead>
  <tbody>${checks.map(
    (check) => html`<tr class="${check.verdict}"><th scope="row">${check.name}</th>
      <td class="verdict">${renderEmoji(verdictEmoji[check.verdict])} ${check.verdict}</td>
      <td class="number">${formatMeasured(check.measured)}</td><td class="number">${formatMeasured(check.limit)}</td><td>${check.unit}</td><td class="detail">${check.detail}</td></tr>`,
  )}</tbody></table></div>`;
};

/** The longest run's bar fills the column. A class sets a bar's width in steps of 5 %, because the page has no inline style. */
const renderTimeline = (runs: readonly StateRun[], now: number): Html => {
  const longest = Math.max(1, ...runs.map(({ ms }) => ms ?? 0));
  return html`<ol class="timeline">${runs.map(
    (
      run,
    ) => html`<li class="${run.verdict === "fail" ? "failed" : run.status}"><span class="dot" aria-hidden="true"></span>
      <span class="state">${run.state}${run.retries > 0 ? html` <span class="faint">${run.retries} ${run.retries === 1 ? "retry" : "retries"}</span>` : ""}${run.verdict === undefined ? "" : html` <span class="found">${run.verdict}</span>`}</span>
      <span class="bar" aria-hidden="true"><span class="w${Math.ceil(((run.ms ?? longest) / longest) * 20)}"></span></span>
      <span class="took">${run.status === "running" ? `for ${formatDuration(Math.max(0, now - Date.parse(run.from)))}` : run.ms === undefined ? "interrupted" : formatDuration(run.ms)}</span>
      <span class="when">${renderTime(run.from)}</span>
      ${run.error === undefined ? "" : html`<span class="state-error"><b>${run.error.name}</b> ${run.error.cause}</span>`}</li>`,
  )}</ol>`;
};

const renderFact = (name: string, value: Html | string | undefined): Html =>
  value === undefined ? html`` : html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

const renderDecision = ({ status, by, reason }: NonNullable<DeliveryFacts["decision"]>) =>
  html`${status} by ${by.map(({ name }) => name).join(", ")}${reason === null ? "" : html`: <q>${reason}</q>`}`;

/** A delivery's page; `message`: the ts of its message in the channel. */
export const renderDelivery = (
  facts: DeliveryFacts,
  { me, now, message }: { readonly me: string; readonly now: number; readonly message: string | undefined },
): Html => {
  const { input, error, decision, canaryDecision } = facts;
  const end = facts.endedAt === undefined ? now : Date.parse(facts.endedAt);
  return html`<div class="sheet" data-tone="${tone(facts)}" ${facts.status === "RUNNING" ? html`data-running` : ""}>
  <div class="title"><h2>${input?.model ?? facts.name} ${facts.version === undefined ? "" : html`<span class="faint">version ${facts.version}</span>`}</h2> ${renderPill(facts)}
    <span class="faint">${facts.status === "RUNNING" ? "for" : "in"} ${formatDuration(Math.max(0, end - Date.parse(facts.startedAt)))}</span></div>
  ${
    error === undefined
      ? ""
      : html`<section class="error" aria-label="Error"><h3>${error.name}</h3><p class="cause">${error.cause}</p>${error.remedy && html`<p class="remedy"><b>What to do</b> ${error.remedy}</p>`}</section>`
  }
  <dl class="facts">
    ${renderFact("Delivery", html`<code>${facts.name}</code>`)}
    ${renderFact("Commit", input && html`<code title="${input.commit}">${input.commit.slice(0, 12)}</code>`)}
    ${renderFact("Author", input && html`${input.author.name} <span class="faint">${input.author.email}</span>`)}
    ${renderFact("Image", facts.digest === undefined ? undefined : html`<code title="${facts.digest}">${facts.digest.slice(0, 19)}…</code>`)}
    ${renderFact("Registry version", facts.version === undefined ? undefined : String(facts.version))}
    ${renderFact("Started", renderTime(facts.startedAt))}
    ${renderFact("Ended", facts.endedAt === undefined ? undefined : renderTime(facts.endedAt))}
    ${renderFact("Decision", decision && renderDecision(decision))}
    ${renderFact("Inconclusive canary", canaryDecision && renderDecision(canaryDecision))}
    ${renderFact("Question", message === undefined ? undefined : html`<a href="/?as=${me}#m-${message}">in the channel</a>`)}
  </dl>
  ${facts.checks.length === 0 ? "" : html`<section aria-label="Checks">${facts.checks.map(({ title, checks }) => renderCheckTable(title, checks))}</section>`}
  <section aria-label="States"><h3>States <span class="faint">${facts.stateRuns.length}</span></h3>${renderTimeline(facts.stateRuns, now)}</section>
  </div>`;
};

export const renderDeliveryList = (
  executions: readonly Execution[],
  { me, now, next }: { readonly me: string; readonly now: number; readonly next: string | undefined },
): Html => {
  const running = executions.some(({ status }) => status === "RUNNING");
  return html`<div class="sheet" ${running ? html`data-running` : ""}>
  ${
    executions.length === 0
      ? html`<p class="empty">No deliveries yet. Commit a change of a model's folder, or run <code>npx slipway rehearse --change better</code>.</p>`
      : html`<div class="table list"><table><thead><tr><th scope="col">Model</th><th scope="col">Outcome</th><th scope="col">Commit</th><th scope="col">Author</th><th scope="col">Started</th><th scope="col" class="number">Duration</th></tr></thead>
  <tbody>${executions.map((execution) => {
    const facts = readDeliveryFacts(execution, []);
    const end = facts.endedAt === undefined ? now : Date.parse(facts.endedAt);
    return html`<tr><th scope="row"><a href="/deliveries/${facts.name}?as=${me}">${facts.input?.model ?? facts.name}</a></th>
      <td>${renderPill(facts)} ${facts.error === undefined ? "" : html`<span class="why">${facts.error.name}</span>`}</td>
      <td><code>${facts.input?.commit.slice(0, 12) ?? "–"}</code></td><td>${facts.input?.author.name ?? "–"}</td>
      <td>${renderTime(facts.startedAt)}</td><td class="number">${formatDuration(Math.max(0, end - Date.parse(facts.startedAt)))}</td></tr>`;
  })}</tbody></table></div>`
  }
  ${next === undefined ? "" : html`<p><a class="button plain" href="/deliveries?as=${me}&after=${encodeURIComponent(next)}">Older</a></p>`}</div>`;
};
