import type { AuditEntry } from "./audit-entry.ts";

/** Freezes that were in force at some time between two entries, as their sequences. */
const findFreezes = (
  entries: readonly AuditEntry[],
  { from, to }: { readonly from: AuditEntry; readonly to: AuditEntry },
): readonly number[] =>
  entries
    .filter(({ kind, at, detail }) => {
      if (kind !== "frozen" || at > to.at || String(detail.until) <= from.at) return false;
      const ended = entries.find(
        (other) =>
          other.kind === "unfrozen" && other.detail.scope === detail.scope && other.detail.frozenAt === at,
      );
      return ended === undefined || ended.at > from.at;
    })
    .map(({ sequence }) => sequence);

/**
 * The part of a trail that is about a version, without a gap: from its first entry, or from a freeze that held it then, to
 * the first anchor after its last entry. Without such an anchor it goes to the end.
 * @param anchored sequences of the anchors
 */
export const selectVersionEntries = (
  entries: readonly AuditEntry[],
  version: number,
  anchored: readonly number[],
): readonly AuditEntry[] => {
  const own = entries.filter((entry) => entry.version === version);
  const [from, to] = [own[0], own.at(-1)];
  if (!from || !to) return [];
  const first = Math.min(from.sequence, ...findFreezes(entries, { from, to }));
  const covering = anchored.filter((sequence) => sequence >= to.sequence);
  const end = covering.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...covering);
  return entries.filter(({ sequence }) => sequence >= first && sequence <= end);
};
