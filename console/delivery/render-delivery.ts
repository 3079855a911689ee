import { html } from "hono/html";
import type { DeliveryRecord } from "#domain/overview/delivery-record.ts";
import { consolePaths } from "../console-paths.ts";
import type { Context } from "../context.ts";
import { describeStatus } from "../delivery-status.ts";
import { formatDuration } from "../format-duration.ts";
import type { Html } from "../html.ts";
import { renderChecks } from "../render-checks.ts";
import { renderClosure } from "../render-closure.ts";
import { renderCommand } from "../render-command.ts";
import { renderCommit } from "../render-commit.ts";
import { renderComparisons } from "../render-comparisons.ts";
import type { Page } from "../render-page.ts";
import { renderPeople, renderPerson } from "../render-person.ts";
import { renderPill } from "../render-pill.ts";
import { renderRejection } from "../render-rejection.ts";
import { renderSentence } from "../render-sentence.ts";
import { formatMoment, renderTime } from "../render-time.ts";
import { type CurrentStep, type DeliveryView, deriveDelivery } from "./derive-delivery.ts";
import { describeRun } from "./describe-run.ts";
import type { Box } from "./happy-path.ts";
import type { StateRun } from "./read-state-runs.ts";

const boxWords: Readonly<Record<Box["status"], string>> = {
  done: "done",
  current: "now",
  failed: "failed here",
  stopped: "ended here",
  waiting: "to come",
  skipped: "not needed",
  unreached: "not reached",
};
const boxMarks: Readonly<Record<Box["status"], string>> = {
  done: "✓",
  current: "●",
  failed: "✕",
  stopped: "■",
  waiting: "",
  skipped: "–",
  unreached: "–",
};

const renderBoxes = (boxes: readonly Box[]): Html =>
  html`<ol class="path" aria-label="Steps">${boxes.map(
    ({ name, status, ms }, index) =>
      html`<li class="box ${status}"${status === "current" ? html` aria-current="step"` : ""}><span class="box-mark" aria-hidden="true">${boxMarks[status] || index + 1}</span>
<span class="box-name">${name}</span><span class="box-note">${status === "unreached" && ms !== null ? "left again" : boxWords[status]}${ms === null ? "" : ` · ${formatDuration(ms)}`}</span></li>`,
  )}</ol>`;

const renderCurrent = (
  { doing, since, judgedAt, earliestEndAt, hold, end }: CurrentStep,
  { now, links }: Context,
  view: DeliveryView,
): Html => {
  const message = links.message?.(view.delivery);
  const paths = consolePaths(links.base);
  const asks = view.state?.question?.status === "open";
  return html`<section class="now" aria-labelledby="now-title"><h2 id="now-title">${doing}</h2>
<dl class="facts">
<div><dt>Since</dt><dd>${renderTime(since, now)}</dd></div>
${judgedAt === null ? "" : html`<div><dt>Next judgement</dt><dd>${renderTime(judgedAt, now)}</dd></div>`}
${hold === null ? "" : html`<div><dt>Held</dt><dd>by ${renderPerson({ user: hold.by, name: hold.name }, links)} until ${formatMoment(hold.until)} (${renderTime(hold.until, now)}): <q>${hold.reason}</q></dd></div>`}
${earliestEndAt === null ? "" : html`<div><dt>On prod at the earliest</dt><dd>${renderTime(earliestEndAt, now)}</dd></div>`}
${end === null ? "" : html`<div><dt>${judgedAt === null ? "Ends at the latest" : "Without a verdict until"}</dt><dd>${renderTime(end.at, now)}${judgedAt === null ? "" : html` <span class="faint">${formatMoment(end.at)}</span>`}; then ${end.otherwise}</dd></div>`}
</dl>${
    asks
      ? html`<p class="buttons"><a class="button" href="${paths.approval(view.model, view.delivery)}">See the evidence</a>${message === undefined ? "" : html`<a class="button primary" href="${message}">Decide${links.channel ? ` in ${links.channel.label}` : ""}</a>`}</p>`
      : ""
  }</section>`;
};

const renderRun = (run: StateRun, breakGlass: DeliveryView["breakGlass"], { now, links }: Context): Html => {
  const what = describeRun(run, (user) => links.userName?.(user), breakGlass);
  if (what === undefined) return html``;
  const goesBack = ["Superseded", "ProdChanged", "ProdClosed"].includes(run.error?.name ?? "");
  const failed = run.status === "failed" || run.verdict === "fail";
  const mark = failed
    ? goesBack
      ? "warn"
      : "bad"
    : run.status === "running"
      ? "running"
      : run.verdict === "inconclusive"
        ? "warn"
        : "good";
  return html`<li class="event ${mark}"><span class="dot" aria-hidden="true"></span>
<div class="event-what">${what} <code class="state">${run.state}</code>${failed && !goesBack && run.verdict === undefined ? html` <span class="bad-text">failed</span>` : ""}${run.retries > 0 ? html` <span class="faint">after ${run.retries} ${run.retries === 1 ? "retry" : "retries"}</span>` : ""}
${run.error === undefined ? "" : html`<p class="event-error"><b>${run.error.name}</b> ${run.error.cause}</p>`}</div>
<div class="event-when">${renderTime(Date.parse(run.from), now)}<span class="faint"> · ${
    run.ms === undefined
      ? run.status === "running"
        ? `for ${formatDuration(now - Date.parse(run.from))}`
        : "interrupted"
      : formatDuration(run.ms)
  }</span></div></li>`;
};

const renderFact = (name: string, value: Html | string | undefined | null): Html =>
  value === undefined || value === null ? html`` : html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

/** The command that a remedy asks for. */
const findNextCommand = ({ model, error, outcome }: DeliveryView): string | undefined => {
  if (error?.name === "RollBackFailed") return `slipway rollback ${model}`;
  const again = outcome === "expired" || /\bdeliver (it )?again\b/i.test(error?.remedy ?? "");
  return again ? `slipway deliver ${model}` : undefined;
};

/** What people did that decides about it, for the top of the page. */
const renderNotices = (view: DeliveryView, context: Context): Html => {
  const { now, links } = context;
  const { breakGlass, closed, state } = view;
  const question = state?.question;
  return html`${
    view.outcome === "rejected" && question?.status === "rejected"
      ? html`<p class="notice bad"><b>Rejected by ${renderPeople(question.by, links)}</b>${question.reason === null ? "" : html`: <q>${question.reason}</q>`}</p>`
      : ""
  }${state?.rejectedBefore ? renderRejection(view.model, state.rejectedBefore, context) : ""}${closed === null ? "" : renderClosure(closed, now)}${
    breakGlass === null
      ? ""
      : html`<p class="notice warn"><b>Prod was closed</b>, and ${renderPerson(breakGlass, links)} let this delivery change it ${renderTime(breakGlass.at, now)}: <q>${breakGlass.reason}</q></p>`
  }`;
};

/** A delivery: where it is, why it stopped, what was measured, and what happened in the order of time. */
export const renderDelivery = (record: DeliveryRecord, context: Context): Page => {
  const { links, now } = context;
  const view = deriveDelivery(record, now);
  const paths = consolePaths(links.base);
  const status = view.rolledBack ? { tone: "warn" as const, text: "rolled back" } : describeStatus(view);
  const command = findNextCommand(view);
  const end = view.endedAt ?? now;
  const worstFirst = view.groups.toSorted(
    (a, b) =>
      Number(b.checks.some(({ verdict }) => verdict !== "pass")) -
      Number(a.checks.some(({ verdict }) => verdict !== "pass")),
  );
  const title = `${view.model}${view.version === null ? "" : ` v${view.version}`}`;
  return {
    title: `${title} · ${status.text}`,
    active: "deliveries",
    trail: [
      { label: "Models", href: paths.home },
      { label: view.model, href: paths.model(view.model) },
    ],
    refresh: view.outcome === null ? 5 : null,
    body: html`<div id="delivery" data-live><header class="head"><div><h1>${title}</h1>${view.subject === null ? "" : html`<p class="subject">${view.subject}</p>`}</div>
<p class="head-status">${renderPill(status.tone, status.text)} ${view.startedAt === null ? "" : html`<span class="faint">${view.outcome === null ? "for" : "in"} ${formatDuration(end - view.startedAt)}</span>`}</p></header>
<p class="headline">${view.headline}${view.rolledBack?.by.includes(": ") ? html` — <q>${view.rolledBack.by.split(": ").slice(1).join(": ")}</q>` : ""}</p>
${renderNotices(view, context)}
${renderBoxes(view.boxes)}
${view.hasCanary ? html`<p class="links inline below"><a href="${paths.canary(view.model, view.delivery)}">The canary: charts of both versions, judgements, orders</a></p>` : ""}
${view.current === null ? "" : renderCurrent(view.current, context, view)}
${view.outcome === "expired" && command !== undefined ? html`<section class="notice warn" aria-label="Deliver again"><p>Nobody decided in time, and prod is as it was. Deliver it again:</p>${renderCommand(links.command(command))}</section>` : ""}
${
  view.error === null
    ? ""
    : html`<section class="problem" aria-labelledby="problem-title"><h2 id="problem-title">${view.error.name}</h2><p class="cause">${view.error.cause}</p><h3>What to do</h3><p>${renderSentence(view.error.remedy)}</p>${command === undefined ? "" : renderCommand(links.command(command))}</section>`
}
<div class="columns"><div>
${
  view.comparisons.length > 0
    ? html`<section aria-labelledby="compared-title"><h2 id="compared-title">Measured on stage</h2>${renderComparisons({ comparisons: view.comparisons, version: view.version, baselineVersion: view.baselineVersion })}</section>`
    : ""
}
${
  worstFirst.length > 0
    ? html`<section aria-labelledby="checks-title"><h2 id="checks-title">Checks</h2>${worstFirst.map(
        (group, index) =>
          html`<h3>${group.title}</h3>${renderChecks(`group-${view.groups.indexOf(group)}-${index}`, group)}`,
      )}</section>`
    : ""
}
<section aria-labelledby="events-title"><h2 id="events-title">What happened</h2>${
      view.runs.length === 0
        ? html`<p class="empty">The engine no longer keeps the steps of this delivery.</p>`
        : html`<ol class="events">${view.runs.map((run) => renderRun(run, view.breakGlass, context))}${
            view.rolledBack
              ? html`<li class="event warn"><span class="dot" aria-hidden="true"></span><div class="event-what">Rolled back by ${view.rolledBack.by}</div></li>`
              : ""
          }</ol>`
    }</section></div>
<aside aria-label="Facts"><dl class="facts side">
${renderFact("Commit", view.commit === "" ? null : renderCommit(view.commit, view.state?.links?.commit))}
${view.state?.links?.diff?.kind === "page" ? renderFact("Difference to prod", html`<a href="${view.state.links.diff.url}">compare</a>`) : ""}
${renderFact("Author", view.author && html`${view.author.name} <span class="faint">(unverified)</span>`)}
${renderFact("Registry version", view.version === null ? null : String(view.version))}
${renderFact("Image", view.digest && html`<code title="${view.digest}">${view.digest.slice(0, 19)}…</code>`)}
${renderFact("Started", view.startedAt === null ? null : renderTime(view.startedAt, now))}
${renderFact("Ended", view.endedAt === null ? null : renderTime(view.endedAt, now))}
${renderFact("Delivery", html`<code>${view.delivery}</code>`)}
</dl><ul class="links">
${record.questions.length > 0 ? html`<li><a href="${paths.approval(view.model, view.delivery)}">Approval and evidence</a></li>` : ""}
${links.message?.(view.delivery) === undefined ? "" : html`<li><a href="${links.message(view.delivery) ?? ""}">Message${links.channel ? ` in ${links.channel.label}` : ""}</a></li>`}
${context.hasAudit ? html`<li><a href="${paths.audit(view.model)}">Audit trail</a></li>` : ""}
</ul></aside></div></div>`,
  };
};
