import { createHash } from "node:crypto";
import type { SlipwayEvent } from "#platform/events/events.ts";

/** What differs between types of events. */
type Fields<Event> = Event extends SlipwayEvent ? Omit<Event, "version" | "id" | "at"> : never;

const maxTextLength = 2_000;
const address = /[^\s<>,;:()"'`]+@[^\s<>,;:()"'`]+/g;

/**
 * A text of a program or a person as subscribers may see it: without addresses, and cut, so that every event fits on the
 * bus.
 */
export const toPublicText = (text: string): string => {
  const shown = text.replaceAll(address, "(address)");
  return shown.length > maxTextLength ? `${shown.slice(0, maxTextLength - 1)}…` : shown;
};

/**
 * An event whose id follows from its fact: the same fact has the same id, in whichever process and however often it is
 * published.
 * @param fact what distinguishes this fact from every other of its type
 * @param at when the fact was stored, epoch milliseconds
 */
export const createEvent = (
  fact: readonly (string | number)[],
  at: number,
  fields: Fields<SlipwayEvent>,
): SlipwayEvent => ({
  ...fields,
  version: 1,
  id: createHash("sha256")
    .update(JSON.stringify([fields.type, ...fact]))
    .digest("hex")
    .slice(0, 32),
  at: new Date(at).toISOString(),
});
