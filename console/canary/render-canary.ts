import { html } from "hono/html";
import type { CanaryFacts } from "#domain/canary/canary-facts.ts";
import type { CanaryLook } from "#domain/canary/canary-look.ts";
import { describeInconclusiveCanary } from "#domain/canary/explain-inconclusive.ts";
import { formatDuration } from "#domain/canary/format-duration.ts";
import { consolePaths } from "../console-paths.ts";
import type { Context } from "../context.ts";
import type { Html } from "../html.ts";
import { renderChecks, renderVerdict } from "../render-checks.ts";
import { renderClosure } from "../render-closure.ts";
import type { Page } from "../render-page.ts";
import { renderPeople, renderPerson } from "../render-person.ts";
import { renderPill, type Tone } from "../render-pill.ts";
import { formatMoment, renderTime } from "../render-time.ts";
import { listCharts } from "./list-charts.ts";
import { listScoreChart } from "./list-score-chart.ts";
import { renderCanaryChart } from "./render-canary-chart.ts";
import { renderScoreChart } from "./render-score-chart.ts";

/** Judgements that the page lists in full; the command line has all (`slipway canary <model> --json`). */
const maxDetailed = 60;

const statuses: Readonly<Record<CanaryFacts["status"], { readonly tone: Tone; readonly text: string }>> = {
  running: { tone: "running", text: "under way" },
  held: { tone: "warn", text: "held" },
  asked: { tone: "warn", text: "waits for a decision" },
  aborting: { tone: "bad", text: "being aborted" },
  promoting: { tone: "running", text: "being promoted" },
  promoted: { tone: "good", text: "promoted" },
  ended: { tone: "bad", text: "ended" },
};

const isOpen = ({ status }: CanaryFacts): boolean =>
  status === "running" || status === "held" || status === "asked";

type Names = Pick<Context["links"], "userName">;
const renderBy = ({ by, name }: { readonly by: string; readonly name: string }, names: Names): Html =>
  renderPerson({ user: by, name }, names);

const describeCanary = (facts: CanaryFacts, names: Names): Html | string => {
  const { version, championVersion, percent, hold, abort, closed, error } = facts;
  const prod = championVersion === null ? "the previous version" : `v${championVersion}`;
  switch (facts.status) {
    case "running":
      return `v${version} gets ${percent} % of prod's traffic, ${prod} the rest.${closed ? " It keeps this share until prod opens; a failed check still rolls it back." : ""}`;
    case "held":
      return html`${hold ? renderBy(hold, names) : "A person"} holds v${version} at ${percent} %: <q>${hold?.reason ?? ""}</q> A failed check still rolls it back.`;
    case "asked": {
      const judged = facts.looks.findLast((look) => look.judged)?.judged;
      const { what, why } = describeInconclusiveCanary(percent, judged?.checks ?? []);
      return `${what}: ${why}. The approvers decide whether v${version} goes on without proof.`;
    }
    case "aborting":
      return html`${abort ? renderBy(abort, names) : "A person"} aborted it: <q>${abort?.reason ?? ""}</q> Prod goes back to ${prod} at the next round.`;
    case "promoting":
      return `Every step passed: prod's traffic is moving to v${version}.`;
    case "promoted":
      return `v${version} gets all of prod's traffic.`;
    case "ended":
      if (error) return html`<b>${error.name}</b> ${error.cause}`;
      return abort
        ? html`${renderBy(abort, names)} aborted it at ${percent} %: <q>${abort.reason}</q> Prod serves ${prod} again.`
        : `Prod serves ${prod} again.`;
    default:
      return facts.status satisfies never;
  }
};

const stepMarks = { done: "✓", current: "●", stopped: "■", next: "" } as const;
const stepWords = { done: "done", current: "now", stopped: "ended here", next: "to come" } as const;

const renderSteps = ({ steps }: CanaryFacts, now: number): Html =>
  html`<ol class="canary-steps" aria-label="Steps of the canary">${steps.map(
    ({ percent, state, from }) =>
      html`<li class="${state}"${state === "current" ? html` aria-current="step"` : ""}><span class="step-share">${percent} %</span> <span class="step-word"><span aria-hidden="true">${stepMarks[state]}</span> ${stepWords[state]}</span>${from === null ? "" : html`<span class="faint">${renderTime(from, now)}</span>`}</li>`,
  )}</ol>`;

const renderSamples = (
  { required, ...samples }: NonNullable<CanaryFacts["samples"]>,
  least: number | undefined,
): Html => {
  const arm = (name: string, count: number) =>
    html`<p><span class="big">${count.toLocaleString("en")}</span> <span class="faint">${required === null ? "requests" : `of ${required.toLocaleString("en")} that a pass needs,`} ${name}</span>${
      required === null
        ? ""
        : html` <progress max="${required}" value="${Math.min(count, required)}" aria-label="Requests ${name}, of those that a pass needs">${Math.round((100 * Math.min(count, required)) / required)} %</progress>`
    }</p>`;
  return html`<div><dt>Samples</dt><dd>${arm("to the new version", samples.challenger)}${arm("to prod's version", samples.champion)}${
    required !== null && least !== undefined && least < required
      ? html`<p class="faint">From ${least.toLocaleString("en")} on they are judged; with fewer than ${required.toLocaleString("en")} the interval of the errors cannot keep its limit, so no step passes.</p>`
      : ""
  }</dd></div>`;
};

const renderTiles = (facts: CanaryFacts, now: number): Html => {
  const { nextLookAt, endsAt, hold, question, samples } = facts;
  const tiles = [
    ...(nextLookAt === null
      ? []
      : [
          html`<div><dt>${nextLookAt > now ? "Next judgement" : "Judgement due"}</dt><dd><span class="big">${renderTime(nextLookAt, now)}</span></dd></div>`,
        ]),
    ...(hold
      ? [
          html`<div><dt>Held until</dt><dd><span class="big">${renderTime(hold.until, now)}</span> <span class="faint">${formatMoment(hold.until)}</span></dd></div>`,
        ]
      : []),
    ...(question
      ? [
          html`<div><dt>Decision until</dt><dd><span class="big">${renderTime(question.expiresAt, now)}</span></dd></div>`,
        ]
      : []),
    ...(endsAt === null
      ? []
      : [
          html`<div><dt>Ends without a verdict</dt><dd><span class="big">${renderTime(endsAt, now)}</span></dd></div>`,
        ]),
    ...(samples ? [renderSamples(samples, facts.looks.at(-1)?.limits.minSamples)] : []),
  ];
  return tiles.length === 0 ? html`` : html`<dl class="canary-tiles">${tiles}</dl>`;
};

type RenderForm = (kind: "end-hold" | "go", title: string, body: Html, button: Html) => Html;

/** How it goes on from here: a hold ends, an open question gets a vote, or the approvers are asked. */
const renderGo = (
  { status, model, looks, closed }: Pick<CanaryFacts, "status" | "model" | "looks" | "closed">,
  form: RenderForm,
  person: Html,
): Html => {
  switch (status) {
    case "held":
      return form(
        "end-hold",
        "End the hold",
        html`${person}<p class="faint">${closed ? "Prod is closed, so the canary keeps its share until it opens." : "The canary goes on as its rule says."}</p>`,
        html`<button class="button">End the hold</button>`,
      );
    case "asked":
      return form(
        "go",
        "Let it go on without a verdict",
        html`<label class="stacked" for="order-go-confirmation">Type ${model} to approve nevertheless <input id="order-go-confirmation" name="confirmation" required maxlength="200" autocomplete="off" autocapitalize="off" spellcheck="false"></label>${person}<p class="faint">This is your vote, as with an approval.</p>`,
        html`<button class="button">Approve: go on</button>`,
      );
    default:
      // The rule in force answers already: nobody may let it go on without a verdict.
      if (looks.at(-1)?.rule.onInconclusive === "roll-back") return html``;
      return form(
        "go",
        "Ask the approvers whether it goes on",
        html`${person}<p class="faint">${closed ? "Prod is closed: they are asked once it opens. " : ""}Their decision is an approval as for prod. A failed check is never overridden.</p>`,
        html`<button class="button">Ask to go on</button>`,
      );
  }
};

/** Forms that give an order; only where the world has an address for them. */
const renderOrders = (facts: CanaryFacts, { links }: Context): Html => {
  const { orders } = links;
  if (!isOpen(facts) || !orders) return html``;
  const field = (id: string) => `order-${id}`;
  const person = (id: string) =>
    html`<label for="${field(`${id}-as`)}">As <select id="${field(`${id}-as`)}" name="as">${orders.people.map(({ user, name }) => html`<option value="${user}">${name}</option>`)}</select></label>`;
  const reason = (id: string) =>
    html`<label for="${field(`${id}-reason`)}">Reason <input id="${field(`${id}-reason`)}" name="reason" required maxlength="2000" autocomplete="off"></label>`;
  const form = (kind: "hold" | "end-hold" | "go" | "abort", title: string, body: Html, button: Html) =>
    html`<form method="post" action="${orders.path(facts.delivery, kind)}" class="order"><fieldset><legend>${title}</legend>${body}${button}</fieldset></form>`;
  return html`<section aria-labelledby="orders-title"><h2 id="orders-title" tabindex="-1">Give an order</h2><p class="faint">It acts at the next round. Approvers may give it; those of them who contributed may only abort.</p><div class="orders">
${
  facts.status === "asked"
    ? ""
    : form(
        "hold",
        "Hold at this share",
        html`<label for="${field("hold-for")}">For <select id="${field("hold-for")}" name="for"><option value="30">30 min</option><option value="60" selected>1 h</option><option value="240">4 h</option><option value="1440">24 h</option></select></label>${reason("hold")}${person("hold")}`,
        html`<button class="button">Hold</button>`,
      )
}
${renderGo(facts, form, person("go"))}
${form("abort", "Abort: prod goes back", html`${reason("abort")}${person("abort")}`, html`<button class="button danger">Abort</button>`)}
</div></section>`;
};

const actions: Readonly<Record<NonNullable<CanaryLook["judged"]>["next"], string>> = {
  shift: "goes to the next step",
  bake: "bakes again",
  promote: "is promoted",
  "roll-back": "is rolled back",
  ask: "asks the approvers",
};

/** Who let the canary go on although this judgement was inconclusive; none where the judgement itself decided. */
const listAcceptances = (
  { percent, judged }: CanaryLook,
  votes: CanaryFacts["votes"],
): CanaryFacts["votes"] =>
  judged?.verdict === "inconclusive" && (judged.next === "shift" || judged.next === "promote")
    ? votes.filter((vote) => vote.percent === percent && vote.verdict === "approved")
    : [];

const renderJudgements = (facts: CanaryFacts, { now, links }: Context): Html => {
  const judged = facts.looks
    .flatMap((look) => (look.judged ? [{ ...look, judged: look.judged }] : []))
    .toReversed();
  if (judged.length === 0)
    return html`<p class="empty">Not judged yet: the first judgement comes at the end of the first bake.</p>`;
  const describe = (look: (typeof judged)[number]) => {
    const { verdict, next, held } = look.judged;
    const accepted = listAcceptances(look, facts.votes).map(({ by, name }) => ({ user: by, name }));
    return html`${renderVerdict(verdict)} at ${look.percent} %, ${renderTime(look.at, now)}: ${accepted.length === 0 ? "" : html`accepted by ${renderPeople(accepted, links)}, `}${held ? "held at its share" : actions[next]}`;
  };
  const earlier = judged.slice(maxDetailed);
  return html`<ol class="judgements">${judged
    .slice(0, maxDetailed)
    .map(
      (look, place) =>
        html`<li><details id="judged-${look.index}"${place === 0 ? " open" : ""}><summary>${describe(look)}</summary>${renderChecks(`judged-${look.index}`, { checks: look.judged.checks, omitted: [] })}</details></li>`,
    )}</ol>${earlier.length > 0 ? html`<details id="judged-before"><summary>${earlier.length} earlier ${earlier.length === 1 ? "judgement" : "judgements"}, without their checks</summary><ol class="judgements">${earlier.map((look) => html`<li>${describe(look)}</li>`)}</ol></details>` : ""}`;
};

const orderWords = {
  hold: "held it",
  "end-hold": "ended the hold",
  go: "asked to let it go on",
  abort: "aborted it",
} as const;

const renderOrderList = ({ orders }: CanaryFacts, { now, links }: Context): Html =>
  orders.length === 0
    ? html``
    : html`<section aria-labelledby="given-title"><h2 id="given-title">Orders</h2><ul class="events">${orders
        .toReversed()
        .map(
          ({ kind, by, name, at, until, reason }) =>
            html`<li class="event ${kind === "abort" ? "bad" : "warn"}"><span class="dot" aria-hidden="true"></span><div class="event-what"><b>${renderBy({ by, name }, links)}</b> ${orderWords[kind]}${until === null ? "" : ` for ${formatDuration(until - at)}`}${reason === null ? "" : html`: <q>${reason}</q>`}</div><div class="event-when">${renderTime(at, now)}</div></li>`,
        )}</ul></section>`;

const voteWords = {
  approved: "approved that it goes on without a verdict",
  rejected: "rejected that it goes on without a verdict",
  waiting: "answered, which counts once Slack shows the address",
} as const;

/** What the person's form did: only an order that is stored is shown, because anybody can write an address. */
const renderTaken = (
  { orders, votes }: CanaryFacts,
  ordered: string | null,
  { now, links }: Context,
): Html => {
  // The keyboard goes on here: the page was loaded by the form.
  const notice = (text: Html) =>
    html`<p class="notice" role="status" id="taken" tabindex="-1" autofocus>${text}</p>`;
  const order = orders.findLast(({ kind }) => kind === ordered);
  // A "go" while the approvers are asked is a vote.
  const vote = ordered === "go" ? votes.toSorted((one, other) => one.at - other.at).at(-1) : undefined;
  if (vote && vote.at >= (order?.at ?? 0))
    return notice(
      html`Your vote was taken ${renderTime(vote.at, now)}: ${renderBy(vote, links)} ${voteWords[vote.verdict]}${vote.verdict === "approved" ? ` (${vote.approvals} of ${vote.quorum} approvals)` : ""}`,
    );
  if (!order) return html``;
  return notice(
    html`Your order was taken ${renderTime(order.at, now)}: ${renderBy(order, links)} ${orderWords[order.kind]}${order.reason === null ? "" : html`: <q>${order.reason}</q>`}`,
  );
};

/**
 * The page of a canary: where it is, what was measured of both versions, how it was judged, who ordered what.
 * @param ordered the kind of the order that the reader has just given; null: none
 */
export const renderCanary = (facts: CanaryFacts, context: Context, ordered: string | null = null): Page => {
  const { links, now } = context;
  const paths = consolePaths(links.base);
  const { model, delivery, version } = facts;
  const status =
    facts.closed && facts.status === "running"
      ? ({ tone: "warn", text: "under way, prod is closed" } as const)
      : statuses[facts.status];
  const charts = listCharts(facts.looks);
  const scores = listScoreChart(facts.looks);
  const isOver = facts.status === "promoted" || facts.status === "ended";
  const wait = isOver ? undefined : links.command(`slipway canary ${model}`);
  return {
    title: `Canary of ${model} v${version} · ${status.text}`,
    active: "deliveries",
    trail: [
      { label: "Models", href: paths.home },
      { label: model, href: paths.model(model) },
      { label: `v${version}`, href: paths.delivery(model, delivery) },
    ],
    refresh: isOver ? null : 5,
    body: html`<div id="canary" data-live><header class="head"><h1>Canary of ${model} v${version}</h1><p class="head-status">${renderPill(status.tone, status.text)} <span class="faint">began ${renderTime(facts.startedAt, now)}</span></p></header>
<p class="headline">${describeCanary(facts, links)}</p>
${facts.closed ? renderClosure(facts.closed, now) : ""}
${renderTaken(facts, ordered, context)}
${renderSteps(facts, now)}
${renderTiles(facts, now)}</div>
<div id="canary-orders" data-live>${renderOrders(facts, context)}</div>
<div id="canary-course" data-live><section aria-labelledby="charts-title"><h2 id="charts-title">Both versions on live traffic</h2>
${
  charts.length === 0
    ? html`<p class="empty">Nothing was measured yet: the first measurement comes within a minute.</p>`
    : html`<p class="legend canary-legend"><span class="legend-key"><svg viewBox="0 0 30 14" aria-hidden="true"><line class="series challenger" x1="0" x2="30" y1="7" y2="7"/><circle class="end challenger" cx="22" cy="7" r="4.500"/></svg> v${version}, new</span> <span class="legend-key"><svg viewBox="0 0 30 14" aria-hidden="true"><line class="series champion" x1="0" x2="30" y1="7" y2="7"/><rect class="end champion" x="18" y="3" width="8" height="8"/></svg> ${facts.championVersion === null ? "prod's version" : `v${facts.championVersion}`}, prod</span> <span class="legend-key"><svg viewBox="0 0 30 14" aria-hidden="true"><line class="limit-line" x1="0" x2="30" y1="7" y2="7"/></svg> limit</span> <span>Bands are 95 % intervals; each step is measured from its own start. Marks below: ✓ passed, ? inconclusive, ✕ failed.</span></p>
<div class="charts canary-charts">${charts.map(renderCanaryChart)}${scores.status === "chart" ? renderScoreChart(scores) : ""}</div>
${scores.status === "none" ? html`<p class="canary-note faint">${scores.why}</p>` : ""}`
}</section>
<section aria-labelledby="judged-title"><h2 id="judged-title">Judgements</h2>${renderJudgements(facts, context)}</section>
${renderOrderList(facts, context)}</div>
${wait === undefined ? "" : html`<p class="canary-note faint">In a terminal: <code>${wait}</code></p>`}`,
  };
};
