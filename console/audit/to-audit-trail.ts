import * as z from "zod";
import type { AuditEntry } from "#domain/audit/audit-entry.ts";
import { describeOrigin } from "#domain/audit/describe-origin.ts";
import type { VerifiedTrail } from "#domain/audit/verify-trail.ts";
import type { AuditTrail } from "./audit-trail.ts";
import { describeClosure } from "./describe-closure.ts";

const toText = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "");

const listNames = (people: unknown): string =>
  Array.isArray(people) ? people.map((person) => toText(person?.name ?? person)).join(", ") : "";

const Artefact = z.looseObject({ version: z.int() });
/** `v3`; `nothing` where prod served no version. */
const nameVersion = (artefact: unknown): string => {
  const { data } = Artefact.safeParse(artefact);
  return data ? `v${data.version}` : "nothing";
};
const EndError = z.looseObject({ name: z.string(), cause: z.string() });

/** Who did it; null: nobody or unknown. */
const findPerson = ({ kind, detail }: AuditEntry): string | null => {
  switch (kind) {
    case "question-opened":
      return detail.pusher === null ? null : toText(detail.pusher);
    case "vote":
    case "canary-order":
      return toText(detail.name);
    case "decision":
      return listNames(detail.by) || null;
    case "rolled-back":
      return detail.by === null ? "the delivery" : toText(detail.by);
    case "break-glass":
    case "frozen":
    case "unfrozen":
      return toText(detail.name);
    default:
      return null;
  }
};

const Person = z.looseObject({ user: z.string(), name: z.string() });
const listPeople = ({ detail }: AuditEntry): AuditTrail["entries"][number]["people"] =>
  Person.array()
    .min(1)
    .safeParse(Array.isArray(detail.by) ? detail.by : [detail])
    .data?.map(({ user, name }) => ({ user, name }));

/** The end of a sentence: how an answer came, where its record says so. */
const describeWay = (detail: AuditEntry["detail"]): string => {
  const way = describeOrigin(detail);
  return way === undefined ? "" : ` ${way}`;
};

/** What it is about, in a line. A kind of a later release shows its fields. */
const describeEntry = ({ kind, detail, version, delivery }: AuditEntry): string => {
  const subject = [version === null ? "" : `v${version}`, delivery ?? ""].filter(Boolean).join(", ");
  const about = (text: string) => (subject === "" ? text : `${text} (${subject})`);
  const closure = describeClosure({ kind, detail });
  if (closure !== undefined) return about(closure);
  switch (kind) {
    case "question-opened":
      return about(`asked ${listNames(detail.approvers)}, quorum ${toText(detail.quorum)}`);
    case "vote":
      return about(`${toText(detail.verdict)}${describeWay(detail)}`);
    case "decision":
      return about(
        detail.reason === null
          ? toText(detail.verdict)
          : `${toText(detail.verdict)}: ${toText(detail.reason)}`,
      );
    case "canary-order":
      return about(
        `${toText(detail.order)}${detail.until === null ? "" : ` until ${toText(detail.until)}`}${describeWay(detail)}${detail.reason === null ? "" : `: ${toText(detail.reason)}`}`,
      );
    case "deployed":
      return about(`${toText(detail.percent)} % of prod's traffic`);
    case "promoted":
      return about("all of prod's traffic");
    case "rolled-back":
      return about(`${nameVersion(detail.from)} → ${nameVersion(detail.to)}`);
    case "delivery-ended": {
      const { data: error } = EndError.safeParse(detail.error);
      if (detail.rolledBackBy !== undefined) return about(`rolled back by ${toText(detail.rolledBackBy)}`);
      return about(`${toText(detail.outcome)}${error ? `: ${error.name}, ${error.cause}` : ""}`);
    }
    case "question-withdrawn":
      return about(toText(detail.reason));
    case "question-expired":
      return about("nobody decided in time");
    case "trail-started":
      return about(
        detail.before === null
          ? "prod served nothing before"
          : `prod served ${nameVersion(detail.before)} before, which is not in the trail`,
      );
    default:
      return about(
        Object.entries(detail)
          .filter(([, value]) => value !== null)
          .map(([name, value]) => `${name} ${toText(value)}`)
          .join("; "),
      );
  }
};

/** A verified trail as its page shows it: newest first. */
export const toAuditTrail = (
  { entries, findings, newestAnchor, unanchored }: VerifiedTrail,
  tags: NonNullable<AuditTrail["tags"]> = "compared",
): AuditTrail => ({
  ...(tags === "not compared" && { tags }),
  entries: entries.toReversed().map((entry) => {
    const people = listPeople(entry);
    return {
      sequence: entry.sequence,
      at: Date.parse(entry.at),
      kind: entry.kind,
      who: findPerson(entry),
      what: describeEntry(entry),
      hash: entry.hash,
      ...(people && { people }),
    };
  }),
  verification:
    findings.length === 0
      ? {
          status: "verified",
          anchor: newestAnchor && { sequence: newestAnchor.sequence, where: newestAnchor.place },
          ...(unanchored.length > 0 && { unanchored: unanchored.length }),
        }
      : {
          status: "broken",
          problem: findings.map(({ sentence }) => sentence).join(" "),
          sequences: findings.flatMap(({ sequence }) => sequence ?? []),
        },
});
