import fc from "fast-check";
import { expect, test } from "vitest";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes, Outcome } from "#domain/delivery/outcomes.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { fakeCommit } from "#test/support/toy-model.ts";
import { listDeliveries } from "./list-deliveries.ts";

type Ended = { readonly model: string; readonly outcome: Outcome | null; readonly claimed: boolean };
const anyDelivery = fc.record({
  model: fc.constantFrom("churn", "churn-2"),
  outcome: fc.option(fc.constantFrom(...Outcome.options)),
  claimed: fc.boolean(),
});

/** Stores deliveries as their steps do, one second after the other. */
const storeDeliveries = async (all: readonly Ended[]) => {
  const { store, database, time } = memoryStore();
  const claims = createClaims({ store });
  const outcomes = createOutcomes({ store });
  const commit = fakeCommit("a");
  for (const [index, { model, outcome, claimed }] of all.entries()) {
    const delivery = `d${index}`;
    time.now += 1_000;
    if (claimed || outcome === null)
      await claims.take(
        { environment: "stage", model, delivery, commit, requestedAt: time.now, now: time.now },
        "newer",
      );
    time.now += 1_000;
    const error = outcome === "failed" ? { name: "GateFailed", cause: "x".repeat(900) } : null;
    if (outcome !== null) await outcomes.keep({ delivery, model, commit, outcome, error, at: time.now });
  }
  return { list: listDeliveries({ store, clock: () => 0 }), close: () => database.close() };
};

test("pages of any size together list every delivery that matches once, the newest first", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyDelivery, { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      fc.option(fc.constantFrom("churn", "churn-2"), { nil: undefined }),
      fc.option(fc.constantFrom("running" as const, ...Outcome.options), { nil: undefined }),
      async (all, limit, model, outcome) => {
        const { list, close } = await storeDeliveries(all);
        const found: string[] = [];
        for (let after: string | undefined; ; ) {
          const page = await list({ model, outcome, after }, limit);
          expect(page.deliveries.length).toBeLessThanOrEqual(limit);
          found.push(...page.deliveries.map(({ delivery }) => delivery));
          if (page.next === null) break;
          after = page.next;
        }
        close();
        const expected = all.flatMap((each, index) =>
          (model === undefined || each.model === model) &&
          (outcome === undefined || (each.outcome ?? "running") === outcome)
            ? [`d${index}`]
            : [],
        );
        expect(found).toEqual(expected.reverse());
      },
    ),
    { numRuns: 60 },
  );
});

test("a delivery keeps its place when it ends, and its outcome may be corrected", async () => {
  const { store, database, time } = memoryStore();
  const [commit, model] = [fakeCommit("a"), "churn"];
  const started = time.now;
  const request = { environment: "stage", model, commit, delivery: "d1", now: started } as const;
  await createClaims({ store }).take({ ...request, requestedAt: started }, "newer");
  const ended = { delivery: "d1", model, commit, at: started + 5_000 };
  const outcomes = createOutcomes({ store });
  await outcomes.keep({ ...ended, outcome: "failed", error: { name: "RollBackFailed", cause: "" } });
  await outcomes.keep({ ...ended, outcome: "superseded", error: null });
  expect(await listDeliveries({ store, clock: () => 0 })({}, 10)).toEqual({
    deliveries: [
      {
        ...{ delivery: "d1", model, commit, startedAt: started, endedAt: started + 5_000 },
        ...{ outcome: "superseded", closed: null, error: null, version: null },
      },
    ],
    next: null,
  });
  database.close();
});
