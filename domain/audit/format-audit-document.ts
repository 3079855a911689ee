import canonicalize from "canonicalize";
import { escapeControls } from "#untrusted/escape-controls.ts";
import { AuditDocument } from "./audit-document.ts";
import { type AuditEntry, formatAuditPlace, formatScope } from "./audit-entry.ts";
import { describeOrigin } from "./describe-origin.ts";

/** The line before the document's data, which is one line of canonical JSON. */
const dataFence = "```json slipway-audit-document";

/** Text from outside as one line that Markdown shows as it is. */
const escapeMarkdown = (text: string): string =>
  escapeControls(text.replace(/\s+/g, " ").replace(/[\\`*_{}[\]<>()#+!|~&-]/g, "\\$&"));

const show = (value: unknown): string =>
  escapeMarkdown(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

/** Documents from before freezes were in the trail have a version for its first entry, too: their text stays the same. */
const describeVersion = (entry: AuditEntry, version: number): string =>
  entry.version === version || (entry.version === null && entry.kind !== "trail-started")
    ? ""
    : ` (version ${show(entry.version)})`;

/** An entry's detail in a line. A kind of a later release shows its fields. */
const describeDetail = ({ kind, detail }: AuditEntry): string => {
  const listUsers = (people: unknown) =>
    Array.isArray(people)
      ? people.map((person) => `${person?.name ?? ""} (${person?.user ?? ""})`).join(", ")
      : "";
  const origin = describeOrigin(detail);
  const way = origin === undefined ? "" : `, ${show(origin)}`;
  switch (kind) {
    case "question-opened":
      return `asked ${show(detail.approvers)}, quorum ${show(detail.quorum)}; author ${show(detail.author)}, pusher ${show(detail.pusher)}; evidence ${show(detail.evidence)}`;
    case "vote":
      return `${show(detail.name)} (${show(detail.user)}): ${show(detail.verdict)}${way}`;
    case "decision":
      return `**${show(detail.verdict)}** by ${show(listUsers(detail.by))}${detail.reason === null ? "" : `, reason: ${show(detail.reason)}`}`;
    case "canary-order":
      return `${show(detail.name)} (${show(detail.user)}): ${show(detail.order)}${detail.until === null ? "" : ` until ${show(detail.until)}`}${way}${detail.reason === null ? "" : `, reason: ${show(detail.reason)}`}`;
    case "rolled-back":
      return `${detail.by === null ? "by the delivery" : `by ${show(detail.by)}`}: from ${show(detail.from)} to ${show(detail.to)}`;
    case "break-glass":
      return `${show(detail.name)} (${show(detail.user)})${way} let it change prod although it was closed${detail.closure === null ? "" : ` (${show(detail.closure)})`}: ${show(detail.reason)}`;
    case "frozen":
      return `${show(formatScope(detail.scope))} until ${show(detail.until)} by ${show(detail.name)} (${show(detail.user)}), reason: ${show(detail.reason)}`;
    case "unfrozen":
      return `${show(formatScope(detail.scope))} by ${show(detail.name)} (${show(detail.user)}): the freeze of ${show(detail.frozenAt)} until ${show(detail.until)}`;
    default:
      return Object.entries(detail)
        .map(([name, value]) => `${show(name)} ${show(value)}`)
        .join("; ");
  }
};

/** The document as data: canonical JSON (RFC 8785) in one line. */
export const formatDocumentJson = (document: AuditDocument): string => `${canonicalize(document)}\n`;

/** The document for people, with its data as the last line but one, so that it can be verified, too. */
export const formatDocumentMarkdown = (given: AuditDocument): string => {
  // In the order of its data: who has only these writes the same text.
  const document = AuditDocument.parse(JSON.parse(formatDocumentJson(given)));
  const { model, version, exportedAt, entries, evidence, anchors } = document;
  const lines = [
    `# Audit of ${model} version ${version}`,
    "",
    `Exported ${exportedAt}. Verify it with \`slipway audit --verify <this file>\`.`,
    "",
    "| entry | when | what | about | hash |",
    "|---|---|---|---|---|",
    ...entries.map(
      (entry) =>
        `| ${entry.sequence} | ${show(entry.at)} | ${show(entry.kind)}${describeVersion(entry, version)} | ${describeDetail(entry)} | \`${entry.hash.slice(0, 16)}\` |`,
    ),
    "",
    "## Anchors",
    "",
    ...(anchors.length === 0 ? ["None: nothing outside the store confirms this part of the trail."] : []),
    ...anchors.map(
      (anchor) =>
        `- ${formatAuditPlace(anchor)}, ${show(anchor.place)}${anchor.at === null ? "" : `, ${anchor.at}`}${anchor.lockedUntil === null ? "" : `, locked until ${anchor.lockedUntil}`}`,
    ),
    "",
    "## What the approvers saw",
    "",
    ...Object.entries(evidence).flatMap(([hash, content]) => [
      `### ${hash}`,
      "",
      ...JSON.stringify(content, undefined, 2)
        .split("\n")
        .map((line) => `    ${escapeControls(line)}`),
      "",
    ]),
    "## Data",
    "",
    dataFence,
    formatDocumentJson(document).trimEnd(),
    "```",
    "",
  ];
  return lines.join("\n");
};

/** The JSON of a document in either form; undefined: it is none. */
export const findDocumentData = (text: string): string | undefined => {
  if (text.trimStart().startsWith("{")) return text;
  const lines = text.split("\n");
  const start = lines.lastIndexOf(dataFence);
  return start < 0 ? undefined : lines[start + 1];
};
