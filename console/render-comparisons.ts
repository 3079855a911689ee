import { html } from "hono/html";
import type { Comparison } from "#domain/gates/comparison.ts";
import { formatComparisons } from "#domain/message/format-comparisons.ts";
import type { Html } from "./html.ts";

/**
 * Prod's version and the new one side by side; on a phone each row becomes a block.
 * @param of tells the tables of a page apart; absent: there is one
 */
export const renderComparisons = (table: {
  readonly comparisons: readonly Comparison[];
  readonly version: number | null;
  readonly baselineVersion: number | null;
  readonly of?: string;
}): Html => {
  if (table.comparisons.length === 0) return html``;
  const { header, rows } = formatComparisons(table);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Both versions side by side${table.of === undefined ? "" : `: ${table.of}`}"><table class="data">
<thead><tr>${header.map((name, index) => html`<th scope="col"${index === 0 ? "" : html` class="number"`}>${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row, index) =>
      html`<tr class="${table.comparisons[index]?.verdict ?? ""}">${row.map((cell, column) =>
        column === 0
          ? html`<th scope="row">${cell}</th>`
          : html`<td class="${cell === "–" ? "number none" : "number"}" data-label="${header[column] ?? ""}">${cell}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`;
};
