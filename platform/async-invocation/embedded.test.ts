import { expect, test } from "vitest";
import type { Json } from "#platform/store/store.ts";
import { asyncInvocationContract } from "#test/contracts/async-invocation.ts";
import { asyncRetries } from "./async-invocation.ts";
import { createEmbeddedAsyncInvocation } from "./embedded.ts";

asyncInvocationContract("embedded", async () => {
  let isFailing = false;
  let next = Promise.withResolvers<Json>();
  const invocation = createEmbeddedAsyncInvocation({
    run: async (event) => {
      next.resolve(event);
      next = Promise.withResolvers();
      if (isFailing) throw new Error("it fails");
    },
    onFailure: () => undefined,
  });
  return {
    invocation,
    received: () => next.promise,
    fail: () => {
      isFailing = true;
    },
    close: invocation.stop,
  };
});

/** An invocation whose function fails the first `failures` times; waits end at once. */
const startFailing = async (failures: number) => {
  const waits: number[] = [];
  const dead: { readonly event: Json; readonly error: unknown }[] = [];
  const attempts: Json[] = [];
  const ended = Promise.withResolvers<void>();
  const invocation = createEmbeddedAsyncInvocation({
    run: async (event) => {
      attempts.push(event);
      if (attempts.length <= failures) throw new Error(`failure ${attempts.length}`);
      ended.resolve();
    },
    onFailure: (event, error) => {
      dead.push({ event, error });
      ended.resolve();
    },
    wait: async (ms) => waits.push(ms),
  });
  await invocation.start({ approval: "toy~1" });
  await ended.promise;
  return { attempts, waits, dead };
};

test("a failed event is run again after one minute and after two more, as by Lambda", async () => {
  const { attempts, waits, dead } = await startFailing(2);
  expect(attempts).toEqual(Array.from({ length: 3 }, () => ({ approval: "toy~1" })));
  expect(waits).toEqual([60_000, 120_000]);
  expect(dead).toEqual([]);
});

test("an event that fails three times ends as a dead letter with its last error", async () => {
  const { attempts, dead } = await startFailing(3);
  expect(attempts).toHaveLength(1 + asyncRetries.delaysSeconds.length);
  expect(dead).toMatchObject([{ event: { approval: "toy~1" }, error: { message: "failure 3" } }]);
});

test("stop ends the waits for retries, and waits for a running event", async () => {
  const held = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const dead: Json[] = [];
  let runs = 0;
  const invocation = createEmbeddedAsyncInvocation({
    run: async () => {
      runs++;
      began.resolve();
      await held.promise;
      throw new Error("it fails");
    },
    onFailure: (event) => dead.push(event),
  });
  await invocation.start({});
  await began.promise;
  const stopped = invocation.stop();
  held.resolve();
  await stopped;
  expect({ runs, dead }).toEqual({ runs: 1, dead: [] });
});
