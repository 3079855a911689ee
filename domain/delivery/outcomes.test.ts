import { expect, test } from "vitest";
import { SlipwayEvent } from "#platform/events/events.ts";
import { outboxPartition } from "#platform/store/store.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { createOutcomes, type OutcomeRecord } from "./outcomes.ts";

const createRecord = (outcome: OutcomeRecord["outcome"]): OutcomeRecord => ({
  delivery: "churn-1",
  model: "churn",
  commit: "c".repeat(40),
  outcome,
  error: null,
  at: 5,
});

test("an outcome is new once, and a later one replaces it", async () => {
  const { store, database } = memoryStore();
  const outcomes = createOutcomes({ store });
  expect(await outcomes.read("churn-1")).toBeUndefined();
  expect(await outcomes.keep(createRecord("failed"))).toBe(true);
  expect(await outcomes.keep(createRecord("promoted"))).toBe(false);
  expect((await outcomes.read("churn-1"))?.outcome).toBe("promoted");
  expect(await outcomes.read("churn-2")).toBeUndefined();
  database.close();
});

test("the event of an outcome has no address and no contributor; the stored outcome keeps its cause", async () => {
  const { store, database } = memoryStore();
  const outcomes = createOutcomes({ store });
  const readCause = async (delivery: string, cause: string) => {
    await outcomes.keep({ ...createRecord("failed"), delivery, error: { name: "QuorumOutOfReach", cause } });
    expect((await outcomes.read(delivery))?.error?.cause).toBe(cause);
    const { items } = await store.page({ partition: outboxPartition, order: "ascending", limit: 10 });
    const events = items.map(({ value }) => SlipwayEvent.parse(value));
    const event = events.find((each) => each.type === "outcome" && each.delivery === delivery);
    return event?.type === "outcome" ? event.error?.cause : undefined;
  };
  const quorum = "2 approvals required, but only 1 of 3 approvers may decide.";
  expect(
    await readCause("a", `${quorum} Contributors: a@example.com; not mapped to a person: Sam (no map).`),
  ).toBe(quorum);
  expect(await readCause("b", "pushed by <ada@example.com>: refused")).toBe("pushed by <(address)>: refused");
  database.close();
});

test("of simultaneous first outcomes exactly one is new, so it is counted once", async () => {
  const { store, database } = memoryStore();
  const outcomes = createOutcomes({ store });
  const first = await Promise.all([1, 2, 3].map(() => outcomes.keep(createRecord("rejected"))));
  expect(first.filter(Boolean)).toHaveLength(1);
  database.close();
});
