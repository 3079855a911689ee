import { afterEach, beforeEach, expect, test } from "vitest";
import { createOutbox } from "#domain/events/outbox.ts";
import type { SlipwayEvent } from "#platform/events/events.ts";
import type { Environment } from "#platform/serving/serving.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { findConfigurationDrift } from "./find-configuration-drift.ts";

let world: MemoryWorld;
let events: SlipwayEvent[];
beforeEach(async () => {
  world = createMemoryWorld();
  await promoteVersion(world, "a", 1);
  await promoteVersion(world, "b", 2);
  events = [];
});
afterEach(() => world.close());

const look = (environment: Environment = "prod") => findConfigurationDrift(world)(environment, toyModel);
const publish = async () => {
  const collect = async (published: readonly SlipwayEvent[]) => {
    events.push(...published);
    return [];
  };
  await createOutbox({ ...world, events: { publish: collect } }).publishPending();
  return events.filter(({ type }) => type === "configuration-drift");
};
const minute = () => {
  world.time.now += 61_000;
};
/** As somebody does it in AWS's console. */
const moveByHand = async (environment: Environment, to: { version: string } | undefined) => {
  const live = await world.serving[environment].live(toyModel);
  const expect = live?.revision ?? "absent";
  if (to) await world.serving[environment].route(toyModel, { ...to, description: "" }, { expect });
  else await world.serving[environment].unroute(toyModel, { expect });
};

test.each(["stage", "prod"] as const)(
  "what deliveries and rollbacks left on %s is no drift",
  async (environment) => {
    expect(await look(environment)).toBe(false);
    minute();
    expect(await look(environment)).toBe(false);
    expect(await publish()).toEqual([]);
  },
);

test.each(["stage", "prod"] as const)(
  "an alias on %s that was moved by hand is published once, a minute later",
  async (environment) => {
    const served = (await world.serving[environment].live(toyModel))?.version ?? null;
    await moveByHand(environment, { version: "1" });
    expect(await look(environment)).toBe(true);
    expect(await publish()).toEqual([]);
    minute();
    for (let sweeps = 0; sweeps < 3; sweeps += 1) expect(await look(environment)).toBe(true);
    const expected = { environment, model: toyModel, expected: served, found: "function version 1" };
    expect(await publish()).toEqual([expect.objectContaining(expected)]);
  },
);

test("an alias that somebody removed is drift", async () => {
  await moveByHand("prod", undefined);
  await look();
  minute();
  await look();
  expect(await publish()).toEqual([expect.objectContaining({ found: "no alias live" })]);
});

test("a difference that is gone by the next look was none", async () => {
  const served = await world.serving.prod.live(toyModel);
  await moveByHand("prod", { version: "1" });
  await look();
  minute();
  await moveByHand("prod", { version: served?.version ?? "" });
  expect(await look()).toBe(false);
  minute();
  expect(await look()).toBe(false);
  expect(await publish()).toEqual([]);
});

test("while a delivery holds the environment, its alias may differ", async () => {
  const { now } = world.time;
  const request = { environment: "prod" as const, model: toyModel, delivery: "d", requestedAt: now, now };
  await world.claims.take(request, "free");
  await moveByHand("prod", { version: "1" });
  for (let sweeps = 0; sweeps < 3; sweeps += 1) {
    expect(await look()).toBe(false);
    minute();
  }
  expect(await publish()).toEqual([]);
});

test("another difference is another event", async () => {
  for (const to of [{ version: "1" }, undefined]) {
    await moveByHand("prod", to);
    await look();
    minute();
    await look();
  }
  const ids = (await publish()).map(({ id }) => id);
  expect(new Set(ids).size).toBe(2);
});
