import { html } from "hono/html";
import type { DeliverySummary } from "#domain/overview/delivery-summary.ts";
import type { ConsolePaths } from "./console-paths.ts";
import { describeStatus } from "./delivery-status.ts";
import { formatDuration } from "./format-duration.ts";
import type { Html } from "./html.ts";
import { describeClosure } from "./render-closure.ts";
import { renderPill } from "./render-pill.ts";
import { renderTime } from "./render-time.ts";

/** A list of deliveries, each with the way to its page; on a phone each is a block. */
export const renderDeliveriesList = (
  deliveries: readonly DeliverySummary[],
  { paths, now }: { readonly paths: ConsolePaths; readonly now: number },
): Html =>
  html`<ul class="rows deliveries">${deliveries.map((each) => {
    const { tone, text } = describeStatus(each);
    return html`<li class="row">
<div class="row-main"><a class="row-link" href="${paths.delivery(each.model, each.delivery)}">${each.model}${each.version === null ? "" : ` v${each.version}`}</a>
<span class="faint"><code>${each.commit.slice(0, 12)}</code></span></div>
<div class="row-status">${renderPill(tone, text)}${each.closed === null ? "" : html` <span class="faint">${describeClosure(each.closed, now)}</span>`}${each.error === null ? "" : html` <span class="error-name">${each.error.name}</span>`}</div>
<div class="row-time">${renderTime(each.startedAt, now)}<span class="faint"> · ${each.endedAt === null ? "so far" : "took"} ${formatDuration((each.endedAt ?? now) - each.startedAt)}</span></div></li>`;
  })}</ul>`;
