import { paint, print, printTable } from "#cli/print.ts";
import { formatComparisons } from "#domain/message/format-comparisons.ts";
import { formatHeadline } from "#domain/message/format-headline.ts";
import { formatRollout } from "#domain/message/format-rollout.ts";
import { formatVerdict } from "#domain/message/format-verdict.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { escapeTerminalLine } from "#untrusted/escape-for-terminal.ts";

const styles = { pass: "green", fail: "red", inconclusive: "yellow" } as const;
const marks = { pass: "✓", fail: "✗", inconclusive: "?" } as const;

/** Prints what Slack's message shows an approver, with every check: who approves here has not seen it there. */
export const printQuestion = (state: MessageState): void => {
  const line = (text: string): void => print(escapeTerminalLine(text));
  line(formatHeadline(state));
  line(formatVerdict(state));
  for (const change of state.changed) print(`${paint("yellow", "!")} ${escapeTerminalLine(change)}`);
  const { header, rows } = formatComparisons(state);
  if (rows.length > 0) printTable(header, rows);
  for (const { name, verdict, detail } of state.checks)
    print(`${paint(styles[verdict], marks[verdict])} ${escapeTerminalLine(`${name}: ${detail}`)}`);
  for (const { name, why, remedy } of state.omitted)
    print(
      `${paint("yellow", "–")} ${escapeTerminalLine(`${name} was not checked: ${why}${remedy === undefined ? "" : `. ${remedy}`}`)}`,
    );
  const author = state.author === "" ? "" : `, author (unverified): ${state.author}`;
  line(`Commit ${state.commit.slice(0, 12)}${state.subject === null ? "" : ` ${state.subject}`}${author}`);
  for (const link of [state.links?.commit, state.links?.diff])
    if (link) line(`  ${link.kind === "page" ? link.url : link.line}`);
  if (state.renewed.length > 0) line(`New with this commit: ${state.renewed.join("; ")}`);
  if (
    state.question?.status === "open" &&
    state.question.canaryPercent === null &&
    state.rollout !== undefined
  )
    line(formatRollout(state.rollout));
};
