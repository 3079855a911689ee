import type { BreakGlass } from "#domain/approval/break-glass.ts";
import type { Hold } from "./holds.ts";

/** Whether somebody broke the glass because of this wait. A wait that began later is for a freeze that they did not know. */
export const isAnsweredHold = (
  current: Hold["current"] | undefined,
  breakGlass: BreakGlass | null | undefined,
): boolean => !!current && !!breakGlass && current.since <= breakGlass.at;
