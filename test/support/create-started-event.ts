import { eventVersion, type SlipwayEvent } from "#platform/events/events.ts";

/** The event of a delivery's start, with an id made of the number. */
export const createStartedEvent = (number: number): SlipwayEvent => ({
  version: eventVersion,
  type: "started",
  id: String(number).padStart(32, "0"),
  at: "2026-01-01T00:00:00.000Z",
  model: "churn",
  delivery: `d${number}`,
  commit: "c".repeat(40),
});
