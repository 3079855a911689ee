import type { TableBlock } from "@slack/web-api";
import { formatComparisons } from "#domain/message/format-comparisons.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";
import { clipText, escapeText } from "./message-text.ts";

/** A phone shows few columns: short cells, and no more rows than a person reads. */
const limits = { rows: 20, cell: 40 } as const;

/** A cell of plain text: Slack refuses empty ones. */
const toCell = (text: string) => ({
  type: "raw_text" as const,
  text: clipText(escapeControls(text), limits.cell) || "–",
});

/** The same in lines of text, for a message whose table Slack refuses; without rows where nothing was measured. */
export const formatComparisonLines = (
  state: Pick<MessageState, "comparisons" | "version" | "baselineVersion">,
): readonly string[] => {
  const { header, rows } = formatComparisons(state);
  if (rows.length === 0) return [];
  return [header, ...rows.slice(0, limits.rows)].map((cells) =>
    cells.map((cell) => escapeText(toCell(cell).text)).join(" | "),
  );
};

/** The measurements of both versions, a row each; undefined where nothing was measured. */
export const createComparisonTable = (
  state: Pick<MessageState, "comparisons" | "version" | "baselineVersion">,
): TableBlock | undefined => {
  const { header, rows } = formatComparisons(state);
  if (rows.length === 0) return undefined;
  return {
    type: "table",
    column_settings: [
      { align: "left", is_wrapped: true },
      { align: "right" },
      { align: "right" },
      { align: "right", is_wrapped: true },
      { align: "left", is_wrapped: true },
    ],
    rows: [header, ...rows.slice(0, limits.rows)].map((cells) => cells.map(toCell)),
  };
};
