import { html } from "hono/html";
import { roundToDigits } from "#domain/gates/number-format.ts";
import type { Health } from "#domain/overview/model-summary.ts";
import type { Html } from "./html.ts";
import { renderPill } from "./render-pill.ts";

/** From this share of failed requests on, a model's traffic needs a look. */
const failingShare = 0.01;

const percent = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 2 });
const count = new Intl.NumberFormat("en-GB");

const isFailing = (health: Health): boolean =>
  health.status === "known" && health.requests > 0 && health.failed / health.requests >= failingShare;

/** The health of prod in one line: what was measured, and never a value that was not. */
export const renderHealth = (health: Health): Html => {
  if (health.status === "unknown")
    return html`${renderPill("neutral", "unknown")} <span class="faint">${health.why}</span>`;
  const { requests, failed, minutes, p95Ms } = health;
  if (requests === 0)
    return html`${renderPill("neutral", "no requests")} <span class="faint">in ${minutes} min</span>`;
  const share = (100 * failed) / requests;
  return html`<span class="health">${renderPill(isFailing(health) ? "bad" : "good", `${percent.format(share)} % failed`)} <span>${count.format(requests)} ${requests === 1 ? "request" : "requests"}</span> <span>p95 ${p95Ms === null ? "unknown" : `${roundToDigits(p95Ms, 3)} ms`}</span> <span class="faint">in ${minutes} min</span></span>`;
};
