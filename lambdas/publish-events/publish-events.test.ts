import { afterEach, beforeEach, expect, test } from "vitest";
import { createEvent } from "#domain/events/create-event.ts";
import { createOutbox } from "#domain/events/outbox.ts";
import { toOutboxItems } from "#domain/events/to-outbox-items.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { fakeCommit } from "#test/support/toy-model.ts";
import { publishEvents } from "./publish-events.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const started = (delivery: string) =>
  createEvent([delivery], world.time.now, {
    type: "started",
    model: "churn",
    delivery,
    commit: fakeCommit("a"),
  });
const store = (delivery: string) =>
  world.store.put({ partition: "facts", sort: delivery }, 1, {
    expect: "absent",
    ...toOutboxItems(started(delivery)),
  });
const waiting = () => world.readMetricTotal("EventWaitingSeconds", {});

test("it publishes what waits, whatever started it, and says nothing about an empty outbox", async () => {
  await store("d1");
  await store("d2");
  expect(await publishEvents(world)({ Records: [] })).toEqual({ published: 2 });
  expect(await publishEvents(world)({ source: "aws.events" })).toEqual({ published: 0 });
  expect(world.events.latest(10).map(({ event }) => event)).toEqual(
    expect.arrayContaining([started("d1"), started("d2")]),
  );
  expect(waiting()).toBe(0);
});

test("while the bus does not answer, it says how long the oldest event has waited, and loses none", async () => {
  await store("d1");
  world.time.now += 700_000;
  const publish = () => Promise.reject(new TemporaryFault("the bus does not answer"));
  const broken = { ...world, outbox: createOutbox({ ...world, events: { publish } }) };
  expect(await publishEvents(broken)({})).toEqual({ published: 0 });
  expect(world.warnings).toEqual([expect.stringContaining("the next run tries again")]);
  expect(waiting()).toBe(700);
  expect(await publishEvents(world)({})).toEqual({ published: 1 });
});
