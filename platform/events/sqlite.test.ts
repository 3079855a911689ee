import { expect, test } from "vitest";
import { openDatabase } from "#platform/store/open-database.ts";
import { eventsContract } from "#test/contracts/events.ts";
import { eventVersion, type SlipwayEvent } from "./events.ts";
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

const createStarted = (number: number): SlipwayEvent => ({
  version: eventVersion,
  type: "started",
  id: String(number).padStart(32, "0"),
  at: "2026-01-01T00:00:00.000Z",
  model: "churn",
  delivery: `d${number}`,
  commit: "c".repeat(40),
});

test("a reader that continues after its last position gets each event once, also where one was published twice", async () => {
  const { database, events } = open();
  await events.publish([createStarted(1), createStarted(2)]);
  const first = events.latest(1);
  expect(first.map(({ event }) => event.id)).toEqual([createStarted(2).id]);
  await events.publish([createStarted(2), createStarted(3)]);
  const next = events.after(first[0]?.position ?? 0, 10);
  expect(next.map(({ event }) => event.id)).toEqual([createStarted(3).id]);
  database.close();
});
