import { type AuditEntry, formatScope } from "#domain/audit/audit-entry.ts";
import { describeOrigin } from "#domain/audit/describe-origin.ts";

/** Entries about a closed prod, in a line; undefined: it is none of them. */
export const describeClosure = ({
  kind,
  detail,
}: Pick<AuditEntry, "kind" | "detail">): string | undefined => {
  switch (kind) {
    case "frozen":
      return `${formatScope(detail.scope)} until ${detail.until}: ${detail.reason}`;
    case "unfrozen":
      return `${formatScope(detail.scope)}, the freeze until ${detail.until} of ${detail.frozenAt}`;
    case "break-glass": {
      const way = describeOrigin(detail);
      return `let it change prod${way === undefined ? "" : ` ${way}`} although ${detail.closure ?? "it was closed"}: ${detail.reason}`;
    }
    default:
      return undefined;
  }
};
