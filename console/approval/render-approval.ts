import { html } from "hono/html";
import { formatRollout } from "#domain/message/format-rollout.ts";
import { formatVerdict } from "#domain/message/format-verdict.ts";
import type { DeliveryRecord } from "#domain/overview/delivery-record.ts";
import type { ShownApproval } from "#domain/overview/shown-approval.ts";
import { consolePaths } from "../console-paths.ts";
import type { Context } from "../context.ts";
import type { Html } from "../html.ts";
import { renderChecks } from "../render-checks.ts";
import { renderCommit } from "../render-commit.ts";
import { renderComparisons } from "../render-comparisons.ts";
import type { Page } from "../render-page.ts";
import { renderPill, type Tone } from "../render-pill.ts";
import { renderRejection } from "../render-rejection.ts";
import { renderTime } from "../render-time.ts";

const describeState = (
  { state, expiresAt, postponed }: ShownApproval,
  now: number,
): { readonly tone: Tone; readonly text: string } => {
  switch (state.status) {
    case "decided":
    case "sent":
      return state.decision.status === "approved"
        ? { tone: "good", text: "approved" }
        : { tone: "bad", text: "rejected" };
    case "withdrawn":
      return { tone: "neutral", text: "withdrawn" };
    case "pending":
      if (now >= expiresAt) return { tone: "warn", text: "expired" };
      return { tone: "running", text: postponed?.length ? "open, a vote is checked" : "open" };
    default:
      return state satisfies never;
  }
};

const whyLeftOut = {
  contributor: "contributed to this change",
  "no address": "Slack shows no address",
  "unknown address": "address outside the organisation",
  guest: "guest of the workspace, named by a user group alone",
} as const;

const renderFact = (name: string, value: Html | string | null): Html =>
  value === null ? html`` : html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
const renderList = (items: readonly (Html | string)[]): Html | null =>
  items.length === 0 ? null : html`<ul class="plain">${items.map((item) => html`<li>${item}</li>`)}</ul>`;

const renderDecision = (question: ShownApproval, { now, links }: Context): Html => {
  const { state, rule, expiresAt, contributors, postponed, delivery, breakGlass } = question;
  const shown = new Map((contributors?.shown ?? []).map(({ user, email }) => [user, email]));
  const nameOf = (user: string) => links.userName?.(user) ?? shown.get(user) ?? user;
  const leftOut = (contributors?.leftOut ?? []).filter(
    ({ user, why }) => rule.approvers.includes(user) && (!rule.authorMayApprove || why === "guest"),
  );
  const may = rule.approvers.filter((user) => !leftOut.some((other) => other.user === user));
  const votes = state.status === "pending" ? state.votes : "decision" in state ? state.decision.by : [];
  const message = links.message?.(delivery);
  return html`<dl class="facts">
${renderFact("State", "decision" in state ? html`${state.decision.status} ${renderTime(state.decision.decidedAt, now)}${state.decision.reason === null ? "" : html`: <q>${state.decision.reason}</q>`}` : state.status === "withdrawn" ? `withdrawn: ${state.why}` : now >= expiresAt ? "expired without a decision" : html`open, expires ${renderTime(expiresAt, now)}`)}
${renderFact("Votes", renderList(votes.map(({ name, user, at }) => html`${links.userName?.(user) ?? name} <span class="faint">${user}</span> ${renderTime(Date.parse(at), now)}`)) ?? "none")}
${renderFact("Needed", `${rule.quorum} ${rule.quorum === 1 ? "approval" : "approvals"}`)}
${renderFact("May decide", renderList(may.map((user) => nameOf(user))) ?? "nobody")}
${renderFact("May not", renderList(leftOut.map(({ user, why }) => html`${nameOf(user)}: ${whyLeftOut[why]}`)))}
${renderFact("Broke the glass", breakGlass ? html`Prod was closed, and ${links.userName?.(breakGlass.user) ?? breakGlass.name} let this delivery change it ${renderTime(breakGlass.at, now)}: <q>${breakGlass.reason}</q>` : null)}
${renderFact("Waiting", renderList((postponed ?? []).map(({ name }) => `${name}: the address is looked up`)))}
</dl>${state.status === "pending" && now < expiresAt && message !== undefined ? html`<p class="buttons"><a class="button primary" href="${message}">Decide${links.channel ? ` in ${links.channel.label}` : ""}</a></p>` : ""}`;
};

const renderQuestion = (question: ShownApproval, index: number, context: Context): Html => {
  const { now } = context;
  const { evidence, version, model, canary, askedAt, contributors, commit, author } = question;
  const { tone, text } = describeState(question, now);
  const verdict = formatVerdict(evidence);
  const id = `question-${index}`;
  return html`<section class="question" aria-labelledby="${id}"><header class="split"><h2 id="${id}">${canary === null ? `Approve ${model} v${version} for production?` : `Continue the inconclusive canary of ${model} v${version} at ${canary.percent} %?`}</h2>${renderPill(tone, text)}</header>
<p class="faint">Asked ${renderTime(askedAt, now)}${verdict === "" ? "" : ` · ${verdict}`}</p>
${evidence.rejectedBefore ? renderRejection(model, evidence.rejectedBefore, context) : ""}
${evidence.trial ? html`<p class="notice warn">Trial: stage and prod share an account.</p>` : ""}
${evidence.changed.length > 0 ? html`<div class="notice bad"><h3>Loosened with this commit</h3>${renderList(evidence.changed)}</div>` : ""}
${evidence.renewed && evidence.renewed.length > 0 ? html`<div class="notice"><h3>New with this commit</h3>${renderList(evidence.renewed)}</div>` : ""}
<div class="columns"><div>
<h3>Decision</h3>${renderDecision(question, context)}
${evidence.comparisons && evidence.comparisons.length > 0 ? html`<h3>Both versions, side by side</h3>${renderComparisons({ comparisons: evidence.comparisons, version, baselineVersion: evidence.championVersion ?? null })}` : ""}
<h3>Checks</h3>${evidence.checks.length + evidence.omitted.length === 0 ? html`<p class="empty">No check was made.</p>` : renderChecks(id, evidence)}
</div><aside aria-label="What is bound to this question"><dl class="facts side">
${renderFact("Commit", html`${renderCommit(commit, evidence.links?.commit)}${evidence.subject ? html`<br>${evidence.subject}` : ""}`)}
${evidence.links?.diff?.kind === "page" ? renderFact("Difference to prod", html`<a href="${evidence.links.diff.url}">compare</a>`) : ""}
${renderFact("Author", html`${author.name} <span class="faint">(unverified)</span>`)}
${renderFact("Contributors", contributors && renderList(contributors.people))}
${renderFact("Not mapped to a person", contributors && renderList(contributors.unmapped.map(({ identity, why }) => `${identity}: ${why}`)))}
${renderFact("Compared with", evidence.champion ?? "nothing: prod serves no version")}
${renderFact("If approved", evidence.rollout === undefined ? null : formatRollout(evidence.rollout).replace("If approved: ", ""))}
${renderFact("Image", html`<code title="${question.digest}">${question.digest.slice(0, 19)}…</code>`)}
${renderFact("Registry version", String(version))}
${renderFact("Prod's ledger entry", String(question.baseline))}
${renderFact("Built by", evidence.provenance ? html`<code title="${evidence.provenance.builder}">${evidence.provenance.builder.slice(0, 19)}…</code>, signed with <code>${evidence.provenance.keyId.slice(0, 24)}</code>` : null)}
${renderFact("Approval", html`<code>${question.id}</code>`)}
</dl></aside></div></section>`;
};

/** Everything that the approvers saw, who voted, and what was decided: the newest question first. */
export const renderApproval = (record: DeliveryRecord, context: Context): Page => {
  const paths = consolePaths(context.links.base);
  const newest = record.questions.at(-1);
  const isOpen = newest?.state.status === "pending" && context.now < newest.expiresAt;
  return {
    title: `Approval of ${record.model}${newest ? ` v${newest.version}` : ""}`,
    active: "deliveries",
    trail: [
      { label: "Models", href: paths.home },
      { label: record.model, href: paths.model(record.model) },
      {
        label: newest ? `v${newest.version}` : record.delivery,
        href: paths.delivery(record.model, record.delivery),
      },
    ],
    refresh: isOpen ? 5 : null,
    body: html`<div id="approval" data-live><h1>Approval of ${record.model}${newest ? ` v${newest.version}` : ""}</h1>
${record.questions.toReversed().map((question, index) => renderQuestion(question, record.questions.length - index, context))}</div>`,
  };
};
