import { html } from "hono/html";
import type { Check } from "#domain/gates/verdict.ts";
import type { Execution } from "#platform/deliveries/deliveries.ts";
import { type DeliveryFacts, deliveryFacts, type Stay } from "./delivery-facts.ts";
import { emoji } from "./emoji.ts";
import type { Html } from "./mrkdwn.ts";

const moment = new Intl.DateTimeFormat("en-US", {
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
  second: "2-digit",
});
const time = (iso: string): Html => html`<time datetime="${iso}">${moment.format(new Date(iso))}</time>`;

/** `0.3 s`, `4.2 s`, `3 min 5 s`, `2 h 4 min`. */
export const duration = (ms: number): string => {
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
const pill = (facts: Pick<DeliveryFacts, "status" | "outcome">): Html =>
  html`<span class="pill ${tone(facts)}">${facts.status === "RUNNING" ? "running" : (facts.outcome ?? facts.status.toLowerCase())}</span>`;

const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 4 });
const measured = (value: number | null): string =>
  value === null ? "–" : number.format(value).replace("-", "−");
const verdictEmoji = { pass: "white_check_mark", fail: "x", inconclusive: "grey_question" } as const;

const checkTable = (title: string, checks: readonly Check[]): Html => {
  const failed = checks.filter(({ verdict }) => verdict !== "pass").length;
  return html`<h3>${title} <span class="faint">${checks.length - failed} of ${checks.length} passed</span></h3>
  <div class="table"><table><thead><tr><th scope="col">Check</th><th scope="col">Verdict</th><th scope="col" class="number">Measured</th><th scope="col" class="number">Limit</th><th scope="col">Unit</th><th scope="col">Detail</th></tr></thead>
  <tbody>${checks.map(
    (check) => html`<tr class="${check.verdict}"><th scope="row">${check.name}</th>
      <td class="verdict">${emoji(verdictEmoji[check.verdict])} ${check.verdict}</td>
      <td class="number">${measured(check.measured)}</td><td class="number">${measured(check.limit)}</td><td>${check.unit}</td><td class="detail">${check.detail}</td></tr>`,
  )}</tbody></table></div>`;
};

/** Bars sit on one scale: the longest stay is as wide as the column. Widths go in tenths, by class: the page has no inline style. */
const timeline = (stays: readonly Stay[], now: number): Html => {
  const longest = Math.max(1, ...stays.map(({ ms }) => ms ?? 0));
  return html`<ol class="timeline">${stays.map(
    (
      stay,
    ) => html`<li class="${stay.verdict === "fail" ? "failed" : stay.status}"><span class="dot" aria-hidden="true"></span>
      <span class="state">${stay.state}${stay.retries > 0 ? html` <span class="faint">${stay.retries} ${stay.retries === 1 ? "retry" : "retries"}</span>` : ""}${stay.verdict === undefined ? "" : html` <span class="found">${stay.verdict}</span>`}</span>
      <span class="bar" aria-hidden="true"><span class="w${Math.ceil(((stay.ms ?? longest) / longest) * 20)}"></span></span>
      <span class="took">${stay.status === "running" ? `for ${duration(Math.max(0, now - Date.parse(stay.from)))}` : stay.ms === undefined ? "cut off" : duration(stay.ms)}</span>
      <span class="when">${time(stay.from)}</span>
      ${stay.error === undefined ? "" : html`<span class="fault"><b>${stay.error.name}</b> ${stay.error.cause}</span>`}</li>`,
  )}</ol>`;
};

const fact = (name: string, value: Html | string | undefined): Html =>
  value === undefined ? html`` : html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

/** The whole story of one delivery; `message` is the ts of its message in the channel. */
export const renderDelivery = (
  facts: DeliveryFacts,
  { me, now, message }: { readonly me: string; readonly now: number; readonly message: string | undefined },
): Html => {
  const { input, error, decision } = facts;
  const end = facts.endedAt === undefined ? now : Date.parse(facts.endedAt);
  return html`<div class="sheet" data-tone="${tone(facts)}" ${facts.status === "RUNNING" ? html`data-running` : ""}>
  <div class="title"><h2>${input?.model ?? facts.name} ${facts.version === undefined ? "" : html`<span class="faint">version ${facts.version}</span>`}</h2> ${pill(facts)}
    <span class="faint">${facts.status === "RUNNING" ? "for" : "in"} ${duration(Math.max(0, end - Date.parse(facts.startedAt)))}</span></div>
  ${
    error === undefined
      ? ""
      : html`<section class="error" aria-label="Error"><h3>${error.name}</h3><p class="cause">${error.cause}</p>${error.remedy && html`<p class="remedy"><b>What to do</b> ${error.remedy}</p>`}</section>`
  }
  <dl class="facts">
    ${fact("Delivery", html`<code>${facts.name}</code>`)}
    ${fact("Commit", input && html`<code title="${input.commit}">${input.commit.slice(0, 12)}</code>`)}
    ${fact("Author", input && html`${input.author.name} <span class="faint">${input.author.email}</span>`)}
    ${fact("Image", facts.digest === undefined ? undefined : html`<code title="${facts.digest}">${facts.digest.slice(0, 19)}…</code>`)}
    ${fact("Registry version", facts.version === undefined ? undefined : String(facts.version))}
    ${fact("Started", time(facts.startedAt))}
    ${fact("Ended", facts.endedAt === undefined ? undefined : time(facts.endedAt))}
    ${fact(
      "Decision",
      decision &&
        html`${decision.status} by ${decision.by.map(({ name }) => name).join(", ")}${decision.reason === null ? "" : html`: <q>${decision.reason}</q>`}`,
    )}
    ${fact("Question", message === undefined ? undefined : html`<a href="/?as=${me}#m-${message}">in the channel</a>`)}
  </dl>
  ${facts.checks.length === 0 ? "" : html`<section aria-label="Checks">${facts.checks.map(({ title, checks }) => checkTable(title, checks))}</section>`}
  <section aria-label="States"><h3>States <span class="faint">${facts.stays.length}</span></h3>${timeline(facts.stays, now)}</section>
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
      ? html`<p class="empty">No delivery yet. Commit a change to a model's folder, or run <code>npx slipway rehearse --change better</code>.</p>`
      : html`<div class="table list"><table><thead><tr><th scope="col">Model</th><th scope="col">Outcome</th><th scope="col">Commit</th><th scope="col">Author</th><th scope="col">Started</th><th scope="col" class="number">Took</th></tr></thead>
  <tbody>${executions.map((execution) => {
    const facts = deliveryFacts(execution, []);
    const end = facts.endedAt === undefined ? now : Date.parse(facts.endedAt);
    return html`<tr><th scope="row"><a href="/deliveries/${facts.name}?as=${me}">${facts.input?.model ?? facts.name}</a></th>
      <td>${pill(facts)} ${facts.error === undefined ? "" : html`<span class="why">${facts.error.name}</span>`}</td>
      <td><code>${facts.input?.commit.slice(0, 12) ?? "–"}</code></td><td>${facts.input?.author.name ?? "–"}</td>
      <td>${time(facts.startedAt)}</td><td class="number">${duration(Math.max(0, end - Date.parse(facts.startedAt)))}</td></tr>`;
  })}</tbody></table></div>`
  }
  ${next === undefined ? "" : html`<p><a class="button plain" href="/deliveries?as=${me}&after=${encodeURIComponent(next)}">Older</a></p>`}</div>`;
};
