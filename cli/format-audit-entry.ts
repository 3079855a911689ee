import { type AuditEntry, formatScope } from "#domain/audit/audit-entry.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { paint } from "./print.ts";
import { wrapWords } from "./wrap-words.ts";

const indent = 6;

/**
 * An entry of an audit trail for people. On a terminal its place, time, kind, version and hash are a line, and below it, in
 * lines that fit the width, what it is about; nothing is cut.
 * @param width columns of the terminal; undefined: everything is one line, for a pipe or a file
 */
export const formatAuditEntry = (
  entry: Pick<AuditEntry, "sequence" | "at" | "kind" | "version" | "delivery" | "hash" | "detail">,
  width: number | undefined,
): readonly string[] => {
  const { sequence, at, kind, version, delivery, hash, detail } = entry;
  const place = String(sequence).padStart(4);
  const short = paint("dim", hash.slice(0, 16));
  const who = formatDetail(detail);
  if (width === undefined) {
    const about = [version === null ? "" : `v${version}`, delivery ?? ""]
      .filter((part) => part !== "")
      .join(" ");
    const text = escapeControls(`${at}  ${kind.padEnd(18)} ${about}${who && `  ${who}`}`);
    return [`${place}  ${text}  ${short}`];
  }
  const head = escapeControls(
    `${at.slice(0, 19).replace("T", " ")}  ${kind.padEnd(18)} ${(version === null ? "" : `v${version}`).padEnd(6)}`,
  );
  // On a narrow terminal the hash has its own line.
  const first = `${place}  ${head} `;
  const lines =
    first.length + 16 <= width
      ? [`${first}${short}`]
      : [...wrapWords(first.trimEnd(), width), `${" ".repeat(indent)}${short}`];
  const below = [delivery ?? "", who]
    .filter((part) => part !== "")
    .flatMap((part) => wrapWords(escapeControls(part), Math.max(1, width - indent)));
  return [...lines, ...below.map((line) => `${" ".repeat(indent)}${line}`)];
};

const formatDetail = (detail: AuditEntry["detail"]): string =>
  [
    "scope",
    "order",
    "until",
    "name",
    "by",
    "reason",
    "closure",
    "verdict",
    "via",
    "account",
    "percent",
    "outcome",
    "rolledBackBy",
  ]
    .flatMap((field) => {
      const value = getOwnProperty(detail, field);
      if (value === null || value === undefined) return [];
      if (Array.isArray(value))
        return value.map((person) =>
          typeof person === "object" && person !== null && "name" in person
            ? String(person.name)
            : String(person),
        );
      return [formatField(field, String(value))];
    })
    .join(", ");

const formatField = (field: string, value: string): string => {
  switch (field) {
    case "percent":
      return `${value} %`;
    case "until":
      return `until ${value}`;
    case "scope":
      return formatScope(value);
    case "via":
      return value === "slack"
        ? "in Slack"
        : value === "console"
          ? "on the canary's page"
          : "by the command line";
    case "account":
      return `as ${value}`;
    case "rolledBackBy":
      return `rolled back by ${value}`;
    default:
      return value;
  }
};
