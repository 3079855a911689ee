import { type Hold, listWaits } from "#domain/changes/holds.ts";
import { type CanaryControl, listHeldSpans } from "./canary-control.ts";
import { sumCoveredTime } from "./sum-covered-time.ts";

/**
 * How long a canary was kept at its share since it began: by people, or because prod was closed. This time does not count
 * against its longest time; where both kept it, it is left out once. Milliseconds.
 */
export const measureHeldTime = (
  { control, hold }: { readonly control: Pick<CanaryControl, "holds">; readonly hold: Hold | undefined },
  { startedAt, now }: { readonly startedAt: number; readonly now: number },
): number =>
  sumCoveredTime([...listHeldSpans(control), ...listWaits(hold, now)], { from: startedAt, to: now });
