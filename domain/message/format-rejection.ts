import type { EarlierRejection } from "#domain/approval/earlier-rejection.ts";

/**
 * `Rejected before by Ada on 2026-11-30: recall fell`, in one line without a final period.
 * @param show people and the reason where they are not shown as they are
 */
export const formatRejection = (
  { by, at, reason, canaryPercent }: EarlierRejection,
  show: {
    readonly person: (person: EarlierRejection["by"][number]) => string;
    readonly reason: (text: string) => string;
  } = { person: ({ name }) => name, reason: (text) => text },
): string => {
  const when = new Date(at).toISOString().slice(0, 10);
  const canary = canaryPercent === null ? "" : `, as a canary at ${canaryPercent} %`;
  const why = reason === null ? "" : `: ${show.reason(reason.replace(/\s+/g, " "))}`;
  return `Rejected before by ${by.map(show.person).join(", ")} on ${when}${canary}${why}`;
};
