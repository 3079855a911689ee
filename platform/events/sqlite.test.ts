import { expect, test } from "vitest";
import { openDatabase } from "#platform/store/open-database.ts";
import { eventsContract } from "#test/contracts/events.ts";
import { createStartedEvent } from "#test/support/create-started-event.ts";
import { createSqliteEvents } from "./sqlite.ts";

const open = () => {
  const database = openDatabase(":memory:");
  return { database, events: createSqliteEvents({ database }) };
};

eventsContract("SQLite", async () => {
  const { database, events } = open();
  return {
    events,
    received: async () => events.after(0, 1_000).map(({ event }) => event),
    close: async () => database.close(),
  };
});

test("a reader that continues after its last position gets each event once, also where one was published twice", async () => {
  const { database, events } = open();
  await events.publish([createStartedEvent(1), createStartedEvent(2)]);
  const first = events.latest(1);
  expect(first.map(({ event }) => event.id)).toEqual([createStartedEvent(2).id]);
  await events.publish([createStartedEvent(2), createStartedEvent(3)]);
  const next = events.after(first[0]?.position ?? 0, 10);
  expect(next.map(({ event }) => event.id)).toEqual([createStartedEvent(3).id]);
  database.close();
});
