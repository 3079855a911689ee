import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Events, SlipwayEvent } from "#platform/events/events.ts";
import { createStartedEvent } from "#test/support/create-started-event.ts";

export type EventsUnderTest = {
  readonly events: Events;
  /** What a subscriber got, repeats included; in the order of arrival. */
  received(): Promise<readonly SlipwayEvent[]>;
  close(): Promise<void>;
};

/** The rules of `Events`, for every implementation. */
export const eventsContract = (name: string, make: () => Promise<EventsUnderTest>): void => {
  describe(`events: ${name}`, () => {
    let subject: EventsUnderTest;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(() => subject.close());

    test("a subscriber gets every published event, with the whole detail", async () => {
      const published = Array.from({ length: 23 }, (_, index) => createStartedEvent(index));
      expect(await subject.events.publish(published)).toEqual([]);
      const received = await subject.received();
      expect(new Set(received.map(({ id }) => id)).size).toBe(23);
      expect(received.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual(published);
    });

    test("an event that is published again arrives under the same id", async () => {
      await subject.events.publish([createStartedEvent(1)]);
      await subject.events.publish([createStartedEvent(1), createStartedEvent(2)]);
      const ids = new Set((await subject.received()).map(({ id }) => id));
      expect(ids).toEqual(new Set([createStartedEvent(1).id, createStartedEvent(2).id]));
    });

    test("nothing to publish is no error", async () => {
      expect(await subject.events.publish([])).toEqual([]);
      expect(await subject.received()).toEqual([]);
    });
  });
};
