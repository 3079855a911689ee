import { html } from "hono/html";
import { describeInconclusiveCanary } from "#domain/canary/explain-inconclusive.ts";
import { formatRollout } from "#domain/message/format-rollout.ts";
import { formatVerdict } from "#domain/message/format-verdict.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import type { DeliveryRecord } from "#domain/overview/delivery-record.ts";
import type { ShownApproval } from "#domain/overview/shown-approval.ts";
import { consolePaths } from "../console-paths.ts";
import type { Context } from "../context.ts";
import { deriveDelivery } from "../delivery/derive-delivery.ts";
import type { Html } from "../html.ts";
import { renderChecks } from "../render-checks.ts";
import { renderCommit } from "../render-commit.ts";
import { renderComparisons } from "../render-comparisons.ts";
import type { Page } from "../render-page.ts";
import { renderPerson } from "../render-person.ts";
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
${renderFact("Broke the glass", breakGlass ? html`Prod was closed, and ${renderPerson(breakGlass, links)} let this delivery change it ${renderTime(breakGlass.at, now)}: <q>${breakGlass.reason}</q>` : null)}
${renderFact("Waiting", renderList((postponed ?? []).map((person) => html`${renderPerson(person, links)}: the address is looked up`)))}
</dl>${state.status === "pending" && now < expiresAt && message !== undefined ? html`<p class="buttons"><a class="button primary" href="${message}">Decide${links.channel ? ` in ${links.channel.label}` : ""}</a></p>` : ""}`;
};

/** What else the message showed an approver, beside the checks. */
const renderWarnings = ({ canary, evidence }: ShownApproval, state: MessageState | undefined): Html => {
  const open = state?.question?.status === "open" ? state.question : undefined;
  const inconclusive = canary && describeInconclusiveCanary(canary.percent, evidence.checks);
  return html`${
    inconclusive
      ? html`<p class="notice warn"><b>${inconclusive.what}:</b> ${inconclusive.why}. If approved, it goes on without proof. If rejected, or nobody decides, prod keeps its champion.</p>`
      : ""
  }${state?.askedAgain ? html`<p class="notice"><b>Approval requested again.</b> ${state.askedAgain}</p>` : ""}${
    open?.stale
      ? html`<p class="notice warn"><b>Prod changed:</b> it now serves ${open.stale}. If approved, every check runs again and a new approval follows.</p>`
      : ""
  }`;
};

/** What an approval starts: of a canary's question only what is not on prod already. */
const describeRollout = ({ evidence: { rollout }, canary }: ShownApproval): string | null => {
  if (rollout === undefined || (canary && rollout === null)) return null;
  const left =
    canary && rollout
      ? { ...rollout, steps: rollout.steps.filter((step) => step > canary.percent) }
      : rollout;
  return `${canary ? "it goes on without proof: " : ""}${formatRollout(left).replace("If approved: ", "")}`;
};

/** @param state what the message shows now of the newest question; undefined: this is an earlier one */
const renderQuestion = (
  question: ShownApproval,
  index: number,
  context: Context,
  state: MessageState | undefined,
): Html => {
  const { now } = context;
  const { evidence, version, model, canary, askedAt, contributors, commit, author } = question;
  const { tone, text } = describeState(question, now);
  const verdict = formatVerdict(evidence);
  const id = `question-${index}`;
  const title =
    canary === null
      ? `Approve ${model} v${version} for production?`
      : `Continue the inconclusive canary of ${model} v${version} at ${canary.percent} %?`;
  return html`<section class="question" aria-labelledby="${id}"><header class="split"><h2 id="${id}">${title}</h2>${renderPill(tone, text)}</header>
<p class="faint">Asked ${renderTime(askedAt, now)}${verdict === "" ? "" : ` · ${verdict}`}</p>
${evidence.rejectedBefore ? renderRejection(model, evidence.rejectedBefore, context) : ""}
${renderWarnings(question, state)}
${evidence.trial ? html`<p class="notice warn">Trial: stage and prod share an account.</p>` : ""}
${evidence.changed.length > 0 ? html`<div class="notice bad"><h3>Loosened with this commit</h3>${renderList(evidence.changed)}</div>` : ""}
${evidence.renewed && evidence.renewed.length > 0 ? html`<div class="notice"><h3>New with this commit</h3>${renderList(evidence.renewed)}</div>` : ""}
<div class="columns"><div>
<h3>Decision</h3>${renderDecision(question, context)}
${evidence.comparisons && evidence.comparisons.length > 0 ? html`<h3>Both versions, side by side</h3>${renderComparisons({ comparisons: evidence.comparisons, version, baselineVersion: evidence.championVersion ?? null, of: title })}` : ""}
<h3>Checks</h3>${evidence.checks.length + evidence.omitted.length === 0 ? html`<p class="empty">No check was made.</p>` : renderChecks(id, evidence)}
</div><aside aria-label="What is bound to this question: ${title}"><dl class="facts side">
${renderFact("Commit", html`${renderCommit(commit, evidence.links?.commit)}${evidence.subject ? html`<br>${evidence.subject}` : ""}`)}
${evidence.links?.diff?.kind === "page" ? renderFact("Difference to prod", html`<a href="${evidence.links.diff.url}">compare</a>`) : ""}
${renderFact("Author", html`${author.name} <span class="faint">(unverified)</span>`)}
${renderFact("Contributors", contributors && renderList(contributors.people))}
${renderFact("Not mapped to a person", contributors && renderList(contributors.unmapped.map(({ identity, why }) => `${identity}: ${why}`)))}
${renderFact("Compared with", evidence.champion ?? "nothing: prod serves no version")}
${renderFact("If approved", describeRollout(question))}
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
  const { state } = deriveDelivery(record, context.now);
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
${record.questions.toReversed().map((question, index) => renderQuestion(question, record.questions.length - index, context, question === newest ? state : undefined))}</div>`,
  };
};
