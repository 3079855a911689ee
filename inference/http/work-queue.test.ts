import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createWorkQueue, defaultWorkLimits } from "./work-queue.ts";

const createClock = () => {
  let now = 0;
  let next: (() => void) | undefined;
  return {
    atNextTurn: (start: () => void) => {
      next = start;
    },
    startTurn: () => next?.(),
    tick: () => now,
    pass: (ms: number) => {
      now += ms;
    },
  };
};

/** Enters requests until one is refused; returns how many were admitted. */
const fill = (queue: ReturnType<typeof createWorkQueue>, bytes: number): number => {
  for (let admitted = 0; admitted < 10_000; admitted += 1) if (!queue.enter(bytes)) return admitted;
  throw new Error("nothing was refused");
};

/** Finishes single requests that take `ms` each, so that the queue knows their cost. */
const measure = (
  queue: ReturnType<typeof createWorkQueue>,
  clock: ReturnType<typeof createClock>,
  ms: number,
) => {
  for (let request = 0; request < 200; request += 1) {
    const leave = queue.enter(500);
    clock.pass(ms);
    leave?.();
  }
};

test("small requests of a fast model are admitted up to the limit of their number", () => {
  const clock = createClock();
  const queue = createWorkQueue(clock);
  measure(queue, clock, 0.15);
  expect(fill(queue, 500)).toBe(defaultWorkLimits.requests);
});

test("ten requests are admitted however slow the model is, and no more of a slow one", () => {
  const clock = createClock();
  const queue = createWorkQueue(clock);
  measure(queue, clock, 50);
  expect(fill(queue, 500)).toBe(defaultWorkLimits.alwaysAdmitted);
});

test("large bodies count more than small ones", () => {
  const clock = createClock();
  const queue = createWorkQueue(clock);
  measure(queue, clock, 0.15);
  expect(fill(queue, 60_000)).toBeLessThan(defaultWorkLimits.requests / 2);
});

test("what was refused is admitted again when earlier work is done, and the time to come back grows with the work", () => {
  const clock = createClock();
  const queue = createWorkQueue(clock);
  measure(queue, clock, 300);
  const leaves = Array.from({ length: 10 }, () => queue.enter(500));
  expect(queue.enter(500)).toBeUndefined();
  expect(queue.retryAfter()).toBeGreaterThan(1);
  leaves[0]?.();
  expect(queue.enter(500)).toBeDefined();
});

/** How many requests are admitted of some that come at once; all are finished after 3 ms. */
const comeAtOnce = (
  queue: ReturnType<typeof createWorkQueue>,
  clock: ReturnType<typeof createClock>,
  count: number,
): number => {
  clock.startTurn();
  const leaves = Array.from({ length: count }, () => queue.enter(500)).filter((leave) => leave !== undefined);
  clock.pass(3);
  for (const leave of leaves) leave();
  return leaves.length;
};

const { requests: burst, lastingRequests } = defaultWorkLimits;

test("an overload that lasts is admitted fewer requests at once than a burst, until it is over", () => {
  const clock = createClock();
  const queue = createWorkQueue(clock);
  measure(queue, clock, 0.1);
  // 90 ms
  for (let turn = 0; turn < 30; turn += 1) expect(comeAtOnce(queue, clock, 70)).toBe(burst);
  for (let turn = 0; turn < 10; turn += 1) comeAtOnce(queue, clock, 70);
  expect(comeAtOnce(queue, clock, 70)).toBe(lastingRequests);
  clock.pass(60);
  expect(comeAtOnce(queue, clock, 70)).toBe(burst);
});

test("bursts with pauses between them are no overload", () => {
  const clock = createClock();
  const queue = createWorkQueue(clock);
  measure(queue, clock, 0.1);
  for (let time = 0; time < 20; time += 1) {
    expect(comeAtOnce(queue, clock, 70)).toBe(burst);
    clock.pass(60);
  }
});

test("callers that only the lower limit refuses are all admitted soon after the overload", () => {
  const clock = createClock();
  const queue = createWorkQueue(clock);
  measure(queue, clock, 0.1);
  for (let turn = 0; turn < 40; turn += 1) comeAtOnce(queue, clock, 70);
  expect(comeAtOnce(queue, clock, 25)).toBe(lastingRequests);
  for (let turn = 0; turn < 20; turn += 1) comeAtOnce(queue, clock, 25);
  expect(comeAtOnce(queue, clock, 25)).toBe(25);
});

test("callers that come back in each turn of a long run do not make an overload last", () => {
  const clock = createClock();
  const queue = createWorkQueue(clock);
  measure(queue, clock, 0.1);
  for (let turn = 0; turn < 40; turn += 1) comeAtOnce(queue, clock, 70);
  // A run of 12 turns, in each of which eight callers are refused again.
  for (let run = 0; run < 10; run += 1) {
    const leaves = Array.from({ length: 22 }, () => queue.enter(500)).filter((leave) => leave !== undefined);
    for (let turn = 0; turn < 12; turn += 1) {
      clock.startTurn();
      for (let caller = leaves.length; caller < 22; caller += 1) queue.isFull(500);
      clock.pass(1);
    }
    for (const leave of leaves) leave();
  }
  expect(comeAtOnce(queue, clock, 22)).toBe(22);
});

type Step =
  | { readonly kind: "enter"; readonly bytes: number }
  | { readonly kind: "leave"; readonly at: number }
  | { readonly kind: "pass"; readonly ms: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("enter" as const), bytes: fc.nat(6_000_000) }),
  fc.record({ kind: fc.constant("leave" as const), at: fc.nat(100) }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(2_000) }),
);

const checkSteps = (steps: readonly Step[]): void => {
  const clock = createClock();
  const queue = createWorkQueue(clock);
  const inside: (() => void)[] = [];
  for (const next of steps) {
    if (next.kind === "pass") clock.pass(next.ms);
    else if (next.kind === "leave") {
      const [leave] = inside.splice(next.at % Math.max(1, inside.length), 1);
      leave?.();
      // A second call counts nothing.
      leave?.();
    } else {
      const isFull = queue.isFull(next.bytes);
      const leave = queue.enter(next.bytes);
      expect(leave === undefined).toBe(isFull);
      if (inside.length < defaultWorkLimits.alwaysAdmitted) expect(leave).toBeDefined();
      if (leave) inside.push(leave);
    }
    expect(inside.length).toBeLessThanOrEqual(defaultWorkLimits.requests);
  }
  for (const leave of inside) leave();
  expect(queue.isFull(6_000_000)).toBe(false);
  expect(queue.retryAfter()).toBe(1);
};

test("whatever enters and leaves in any order, the limit holds and an empty queue admits", () => {
  expect(() => fc.assert(fc.property(fc.array(step), checkSteps))).not.toThrow();
});
