import { html } from "hono/html";
import { consolePaths } from "../console-paths.ts";
import type { Context } from "../context.ts";
import type { Html } from "../html.ts";
import { renderCommand } from "../render-command.ts";
import type { Page } from "../render-page.ts";
import { renderTime } from "../render-time.ts";
import type { AuditTrail } from "./audit-trail.ts";

/** A page has at most about 100 KB. */
const maxEntries = 200;

const describeAnchor = ({
  anchor,
  unanchored,
}: Extract<AuditTrail["verification"], { readonly status: "verified" }>): string => {
  if (anchor === null) return "No entry is anchored outside the store yet.";
  const later =
    unanchored === 0
      ? ""
      : ` ${unanchored === 1 ? "The newest entry is" : `The newest ${unanchored} entries are`} not anchored yet: a change there could stay hidden.`;
  return `Anchored up to entry ${anchor.sequence} in ${anchor.where}.${later}`;
};

const renderVerification = ({ verification, tags }: AuditTrail): Html =>
  html`${
    verification.status === "verified"
      ? html`<p class="notice good"><b>✓ The chain holds.</b> ${describeAnchor(verification)}</p>`
      : html`<p class="notice bad"><b>✕ The chain is broken.</b> ${verification.problem}</p>`
  }${
    tags === "compared"
      ? html``
      : html`<p class="faint">The registry's tags are not compared here, because the console may not read the registry. The command below compares them, too.</p>`
  }`;

/** Who asked, saw and decided what, and whether the chain of it holds. */
export const renderAudit = (
  { model, trail }: { readonly model: string; readonly trail: AuditTrail },
  { links, now }: Context,
): Page => {
  const paths = consolePaths(links.base);
  const { entries } = trail;
  const older = entries.length - maxEntries;
  return {
    title: `Audit trail of ${model}`,
    active: "models",
    trail: [
      { label: "Models", href: paths.home },
      { label: model, href: paths.model(model) },
    ],
    refresh: 30,
    body: html`<div id="audit" data-live><h1>Audit trail of ${model}</h1>
${renderVerification(trail)}
${
  entries.length === 0
    ? html`<p class="empty">Nothing was recorded yet.</p>`
    : html`<ol class="rows audit">${entries
        .slice(0, maxEntries)
        .map(
          ({ sequence, at, kind, who, what, hash }) =>
            html`<li class="row"><div class="row-main"><span class="faint">#${sequence}</span> <b>${kind}</b>${who === null ? "" : html` by ${who}`}</div><div class="audit-what">${what}</div><div class="row-time">${renderTime(at, now)} <code class="faint" title="${hash}">${hash.slice(0, 12)}</code></div></li>`,
        )}</ol>${older > 0 ? html`<p class="faint">${older} earlier ${older === 1 ? "entry is" : "entries are"} not listed; the command below prints them.</p>` : ""}`
}
<h2 class="small">Verify and export</h2>${renderCommand(links.command(`slipway audit ${model}`))}</div>`,
  };
};
