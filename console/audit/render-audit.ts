import { html } from "hono/html";
import { consolePaths } from "../console-paths.ts";
import type { Context } from "../context.ts";
import { renderCommand } from "../render-command.ts";
import type { Page } from "../render-page.ts";
import { renderPeople } from "../render-person.ts";
import { renderPill } from "../render-pill.ts";
import { renderTime } from "../render-time.ts";
import type { AuditTrail } from "./audit-trail.ts";
import { renderVerification } from "./render-verification.ts";

/** Entries that the page lists; a trail grows for ever, and the command line has all of it. */
const maxEntries = 200;
const count = new Intl.NumberFormat("en-GB");

/** Who asked, saw and decided what, and whether the chain of it holds. */
export const renderAudit = (
  { model, trail: { entries, ...verified } }: { readonly model: string; readonly trail: AuditTrail },
  { links, now }: Context,
): Page => {
  const broken = verified.verification.status === "broken" ? verified.verification.sequences : [];
  const paths = consolePaths(links.base);
  return {
    title: `Audit trail of ${model}`,
    active: "models",
    trail: [
      { label: "Models", href: paths.home },
      { label: model, href: paths.model(model) },
    ],
    refresh: 30,
    body: html`<div id="audit" data-live><h1>Audit trail of ${model}</h1>
${renderVerification(verified)}
${
  entries.length === 0
    ? html`<p class="empty">Nothing was recorded yet.</p>`
    : html`<ol class="rows audit">${entries
        .slice(0, maxEntries)
        .map(
          ({ sequence, at, kind, who, people, what, hash }) =>
            html`<li class="row"><div class="row-main">${broken.includes(sequence) ? html`${renderPill("bad", "does not hold")} ` : ""}<span class="faint">#${sequence}</span> <b>${kind.replaceAll("-", " ")}</b>${who === null ? "" : html` by ${people ? renderPeople(people, links) : who}`}</div><div class="audit-what">${what}</div><div class="row-time">${renderTime(at, now)} <code class="faint" title="${hash}">${hash.slice(0, 12)}</code></div></li>`,
        )}</ol>${entries.length > maxEntries ? html`<p class="pager faint">${count.format(entries.length - maxEntries)} earlier entries are not listed. The command has all of them, and they are verified above.</p>` : ""}`
}
<h2 class="small">Verify and export</h2>${renderCommand(links.command(`slipway audit ${model}`))}<p>One version's evidence, as a document that anybody can verify:</p>${renderCommand(links.command(`slipway audit ${model} --version <n> --out ${model}.md`))}</div>`,
  };
};
