import { html } from "hono/html";
import type { Check, Omission, Verdict } from "#domain/gates/verdict.ts";
import type { Html } from "./html.ts";
import { renderPill, type Tone } from "./render-pill.ts";
import { renderSentence } from "./render-sentence.ts";

const tones: Readonly<Record<Verdict, Tone>> = { pass: "good", fail: "bad", inconclusive: "warn" };
const words: Readonly<Record<Verdict, string>> = {
  pass: "passed",
  fail: "failed",
  inconclusive: "inconclusive",
};

export const renderVerdict = (verdict: Verdict): Html => renderPill(tones[verdict], words[verdict]);

const renderCheck = ({ name, verdict, detail }: Check): Html =>
  html`<li class="check ${tones[verdict]}"><span class="check-name">${name}</span>${renderVerdict(verdict)}<span class="check-detail">${renderSentence(detail)}</span></li>`;

/**
 * The checks that did not pass, the worst first, then what was not checked; those that passed are behind a summary.
 * @param id distinguishes the lists of a page
 */
export const renderChecks = (
  id: string,
  { checks, omitted }: { readonly checks: readonly Check[]; readonly omitted: readonly Omission[] },
): Html => {
  const [failed, inconclusive, passed] = (["fail", "inconclusive", "pass"] as const).map((verdict) =>
    checks.filter((check) => check.verdict === verdict),
  ) as [Check[], Check[], Check[]];
  const open = [...failed, ...inconclusive];
  return html`${open.length > 0 ? html`<ul class="checks">${open.map(renderCheck)}</ul>` : ""}
${
  omitted.length > 0
    ? html`<h4>Not checked</h4><ul class="checks">${omitted.map(
        ({ name, why, remedy }) =>
          html`<li class="check neutral"><span class="check-name">${name}</span><span class="check-detail">${renderSentence(why)}${remedy === undefined ? "" : html`. ${renderSentence(remedy)}`}</span></li>`,
      )}</ul>`
    : ""
}
${
  passed.length > 0
    ? html`<details id="${id}-passed"${open.length + omitted.length === 0 ? " open" : ""}><summary>${passed.length} passed</summary><ul class="checks">${passed.map(renderCheck)}</ul></details>`
    : ""
}`;
};
