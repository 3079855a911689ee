import { html } from "hono/html";
import type { EarlierRejection } from "#domain/approval/earlier-rejection.ts";
import { consolePaths } from "./console-paths.ts";
import type { Context } from "./context.ts";
import type { Html } from "./html.ts";
import { renderPeople } from "./render-person.ts";
import { renderTime } from "./render-time.ts";

/** Warns that approvers rejected this commit in an earlier delivery. */
export const renderRejection = (
  model: string,
  { delivery, by, at, reason, canaryPercent }: EarlierRejection,
  { now, links }: Context,
): Html =>
  html`<p class="notice warn"><b>Rejected before by ${renderPeople(by, links)}</b> ${renderTime(at, now)}${canaryPercent === null ? "" : `, as a canary at ${canaryPercent} %`}${reason === null ? "" : html`: <q>${reason}</q>`} (<a href="${consolePaths(links.base).approval(model, delivery)}">that approval</a>)</p>`;
