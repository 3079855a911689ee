import { afterEach, beforeEach, expect, test } from "vitest";
import { createApprovals } from "#domain/approval/approvals.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import type { Events, SlipwayEvent } from "#platform/events/events.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import type { Store } from "#platform/store/store.ts";
import { approvalDefaults } from "#test/support/approval-defaults.ts";
import { fakeDeliveries } from "#test/support/fake-deliveries.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { plainCipher } from "#test/support/plain-cipher.ts";
import { fakeCommit, fakeDigest } from "#test/support/toy-model.ts";
import { createEvent } from "./create-event.ts";
import { describeEvent } from "./describe-event.ts";
import { createOutbox } from "./outbox.ts";
import { toOutboxItems } from "./to-outbox-items.ts";

const ignore = () => undefined;
const subject = { model: "churn", delivery: "d1", commit: fakeCommit("a") };
const question = {
  ...subject,
  digest: fakeDigest("a"),
  version: 1,
  ...approvalDefaults,
  askedAt: 2_000,
  expiresAt: 1_000_000,
};
const createStarted = (delivery: string, at = 1_000) =>
  createEvent([delivery], at, { type: "started", ...subject, delivery });

let opened: ReturnType<typeof memoryStore>;
beforeEach(() => {
  opened = memoryStore();
});
afterEach(() => opened.database.close());

const write = (...events: readonly SlipwayEvent[]) =>
  opened.store.put({ partition: "facts", sort: events[0]?.id ?? "" }, 1, {
    expect: "absent",
    ...toOutboxItems(...events),
  });
const collect = (accepts: (event: SlipwayEvent) => boolean = () => true) => {
  const published: SlipwayEvent[] = [];
  const events: Events = {
    publish: async (all) => {
      published.push(...all.filter(accepts));
      return all.filter((event) => !accepts(event)).map(({ id }) => ({ id, why: "not today" }));
    },
  };
  return { published, outbox: createOutbox({ ...opened, events, warn: ignore }) };
};

test("an event leaves the outbox only after it was accepted, and one that is refused holds up no other", async () => {
  for (let index = 0; index < 130; index += 1) await write(createStarted(`d${index}`, index));
  const bad = createStarted("d7", 7).id;
  const first = collect(({ id }) => id !== bad);
  await expect(first.outbox.publishPending()).rejects.toMatchObject({ name: "TemporaryFault" });
  expect(first.published).toHaveLength(129);
  expect(await first.outbox.oldest()).toBe(7);
  const second = collect();
  expect(await second.outbox.publishPending()).toEqual({ published: 1 });
  expect(second.published.map(({ id }) => id)).toEqual([bad]);
  expect(await second.outbox.oldest()).toBeUndefined();
  expect(await second.outbox.publishPending()).toEqual({ published: 0 });
});

test("a fact that is not stored publishes nothing", async () => {
  const event = createStarted("d1");
  await write(event);
  const { published, outbox } = collect();
  await outbox.publishPending();
  // The same fact, stored by another process: its condition is false.
  await write(event);
  await outbox.publishPending();
  expect(published).toEqual([event]);
});

test("an event that another run removes at the same moment stays, and holds up no other", async () => {
  for (const name of ["d1", "d2"]) await write(createStarted(name));
  const removals: string[] = [];
  const store: Store = {
    ...opened.store,
    remove: async (key, options) => {
      removals.push(key.sort);
      if (removals.length === 1) throw new TemporaryFault("another transaction has the item");
      return opened.store.remove(key, options);
    },
  };
  const published: string[] = [];
  const events: Events = {
    publish: async (all) => {
      published.push(...all.map(({ id }) => id));
      return [];
    },
  };
  const outbox = createOutbox({ store, events, warn: ignore });
  await outbox.publishPending();
  await outbox.publishPending();
  expect(published).toHaveLength(3);
  expect(new Set(published).size).toBe(2);
  expect(await outbox.oldest()).toBeUndefined();
});

test("the events of a canary's question say so, and those of a version's approval do not", async () => {
  const engine = fakeDeliveries();
  const approvals = createApprovals({ ...opened, cipher: plainCipher, deliveries: engine.deliveries });
  const vote = { user: "U024BE7LH", name: "Ada", email: undefined, reason: null, at: 3_000 } as const;
  for (const canary of [null, { step: 0, percent: 10 }]) {
    const { id } = await approvals.ask({ ...question, canary }, "token");
    await approvals.vote(id, { ...vote, verdict: "approved" });
  }
  const { published, outbox } = collect();
  await outbox.publishPending();
  const seen = published.map((event) => [
    event.type,
    "canaryPercent" in event ? event.canaryPercent : null,
    describeEvent(event),
  ]);
  expect(seen.toSorted()).toEqual([
    ["decided", null, "Version 1 was approved by U024BE7LH."],
    ["decided", 10, "The inconclusive canary of version 1 at 10 % was approved by U024BE7LH."],
    ["waiting", null, expect.stringMatching(/^d1 needs an approval/)],
    ["waiting", 10, expect.stringContaining("The canary at 10 % is inconclusive: d1 needs an approval")],
  ]);
});

test("an id follows from the fact, whenever and in whichever process it is stored", () => {
  expect(createStarted("d1", 5).id).toBe(createStarted("d1", 9).id);
  expect(createStarted("d1").id).not.toBe(createStarted("d2").id);
  const outcome = { ...subject, outcome: "promoted" as const, error: null };
  expect(createEvent(["d1"], 1_000, { type: "outcome", ...outcome }).id).not.toBe(createStarted("d1").id);
});

/** Every fact of a promoted delivery and of a person's rollback, by the functions that the steps call. */
const storeFacts = async (store: Store, engine: ReturnType<typeof fakeDeliveries>) => {
  const claims = createClaims({ store });
  const ledger = createLedger({ store });
  const approvals = createApprovals({ store, cipher: plainCipher, deliveries: engine.deliveries });
  const request = { environment: "stage" as const, ...subject, requestedAt: 1_000, now: 1_000 };
  await claims.take(request, "newer");
  const { id } = await approvals.ask(question, "token");
  const voter = { user: "U024BE7LH", name: "Ada", email: undefined };
  await approvals.vote(id, { ...voter, verdict: "approved", reason: null, at: 3_000 });
  const deployment = {
    environment: "prod" as const,
    ...subject,
    digest: fakeDigest("a"),
    version: 1,
    functionVersion: "1",
    fence: 1,
    previous: 0,
    reason: null,
  };
  const entry = await ledger.begin(deployment, 4_000);
  for (const percent of [10, 50])
    await ledger.change(entry, (current) =>
      current.shares.some((share) => share.percent === percent)
        ? undefined
        : { ...current, status: "canary", shares: [...current.shares, { percent, from: 4_000 + percent }] },
    );
  await ledger.change(entry, (current) =>
    current.status === "promoted" ? undefined : { ...current, status: "promoted", promotedAt: 5_000 },
  );
  await createOutcomes({ store }).keep({ ...subject, outcome: "promoted", error: null, at: 6_000 });
  const back = { ...deployment, delivery: "rollback-1", reason: "Ada: wrong labels", takesBack: "d1" };
  const rollback = await ledger.begin({ ...back, functionVersion: "2", version: 2 }, 7_000);
  await ledger.change(rollback, (current) =>
    current.status === "promoted" ? undefined : { ...current, status: "promoted", promotedAt: 8_000 },
  );
};

class Killed extends Error {}

/** Calls of the store and of the bus; the process dies before or after the call with the number `at`. */
const killAt = (at: number) => {
  let moments = 0;
  const reach = () => {
    if (moments++ === at) throw new Killed();
  };
  return {
    moments: () => moments,
    wrap: <Capability extends object>(capability: Capability): Capability =>
      new Proxy(capability, {
        get: (target, key, receiver) => {
          const method: unknown = Reflect.get(target, key, receiver);
          if (typeof method !== "function") return method;
          return async (...args: unknown[]) => {
            reach();
            const result: unknown = await Reflect.apply(method, target, args);
            reach();
            return result;
          };
        },
      }),
  };
};

/** A run that is killed once, and its repeat: steps run again, and the sweep publishes what is left. */
const runKilledAt = async (at: number) => {
  const database = openDatabase(":memory:");
  const store = createSqliteStore({ database, clock: () => 9_000 });
  const engine = fakeDeliveries();
  const published: SlipwayEvent[] = [];
  const bus: Events = {
    publish: async (events) => {
      published.push(...events);
      return [];
    },
  };
  const kill = killAt(at);
  const run = async (wrap: <Capability extends object>(capability: Capability) => Capability) => {
    const wrapped = wrap(store);
    await storeFacts(wrapped, engine);
    await createOutbox({ store: wrapped, events: wrap(bus), warn: ignore }).publishPending();
  };
  const killed = await run(kill.wrap).then(
    () => false,
    (error: unknown) => {
      if (error instanceof Killed) return true;
      throw error;
    },
  );
  if (killed) await run((capability) => capability);
  const left = await createOutbox({ store, events: bus, warn: ignore }).publishPending();
  database.close();
  return { published, killed, left, moments: kill.moments() };
};

test("a kill before or after any call of the store or the bus loses no event, and a repeat has the same id", async () => {
  const whole = await runKilledAt(-1);
  const types = ["started", "waiting", "decided", "canary-step", "canary-step", "outcome", "rolled-back"];
  expect(whole.published.map(({ type }) => type)).toEqual(types);
  expect(whole.moments).toBeGreaterThan(60);
  const ids = whole.published.map(({ id }) => id).toSorted();
  let repeats = 0;
  for (let at = 0; at < whole.moments; at += 1) {
    const { published, killed, left } = await runKilledAt(at);
    expect([at, killed, left]).toEqual([at, true, { published: 0 }]);
    const distinct = new Map(published.map((event) => [event.id, event]));
    expect([at, [...distinct.keys()].toSorted()]).toEqual([at, ids]);
    // A repeat says the same as the first.
    for (const event of published) expect(event).toEqual(distinct.get(event.id));
    repeats += published.length - distinct.size;
  }
  expect(repeats).toBeGreaterThan(0);
});
