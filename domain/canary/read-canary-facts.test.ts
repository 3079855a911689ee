import { expect, test } from "vitest";
import { createFreezes } from "#domain/changes/freezes.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { sampleCanary } from "#test/support/sample-canary.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { readCanaryFacts } from "./read-canary-facts.ts";

const delivery = "delivery-d";

/** The facts of a canary whose every measurement is of its first step, 10 %. */
const read = async (
  change: Pick<Deployment, "status" | "shares">,
  prepare: (world: MemoryWorld) => Promise<unknown> = async () => undefined,
) => {
  const world = createMemoryWorld();
  const { ledger, time, store, clock } = world;
  const entry = await ledger.begin(
    {
      ...{ environment: "prod", model: toyModel, delivery, commit: fakeCommit("d"), version: 4 },
      ...{ digest: fakeDigest("d"), functionVersion: "4", fence: 9, previous: 2, reason: null },
    },
    time.now,
  );
  await ledger.change(entry, (current) => ({ ...current, ...change }));
  const { looks } = await sampleCanary(time.now, 20);
  const freezes = createFreezes({ store, clock });
  await prepare(world);
  const canaries = { ...world.canaries, looks: async () => looks };
  const facts = await readCanaryFacts({ ...world, canaries, freezes })(toyModel, delivery);
  world.close();
  return facts;
};

test("a step that has just begun has no samples: those of the step before are of another share", async () => {
  const first = { percent: 10, from: 1 };
  expect((await read({ status: "canary", shares: [first] }))?.samples?.required).toBe(381);
  expect((await read({ status: "canary", shares: [first, { percent: 50, from: 2 }] }))?.samples).toBeNull();
});

test("a canary that keeps its share has no next judgement: a person holds it, or prod is closed", async () => {
  const running = { status: "canary", shares: [{ percent: 10, from: 1 }] } as const;
  const by = { id: "arn:ada", name: "Ada" };
  const change = { ...running, shares: [...running.shares] };
  expect((await read(change))?.nextLookAt).not.toBeNull();
  const held = await read(change, ({ canaries, time }) =>
    canaries.order(
      delivery,
      { kind: "hold", until: time.now + 60_000, reason: "a sale" },
      { user: "U1", name: "Ada" },
    ),
  );
  expect(held).toMatchObject({ status: "held", nextLookAt: null, endsAt: expect.any(Number) });
  const frozen = await read(change, (world) =>
    createFreezes(world).freeze({ scope: "*", until: world.time.now + 60_000, reason: "holidays", by }),
  );
  expect(frozen).toMatchObject({ status: "running", nextLookAt: null });
});

test("a canary that ended stopped at its last step, and is done with those before", async () => {
  const shares = [
    { percent: 10, from: 1 },
    { percent: 50, from: 2 },
    { percent: 0, from: 3 },
  ];
  const states = async (count: number) =>
    (await read({ status: "ended", shares: [...shares.slice(0, count), ...shares.slice(2)] }))?.steps.map(
      ({ percent, state }) => `${percent} ${state}`,
    );
  expect(await states(1)).toEqual(["10 stopped", "50 next", "100 next"]);
  expect(await states(2)).toEqual(["10 done", "50 stopped", "100 next"]);
});
