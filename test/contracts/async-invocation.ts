import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AsyncInvocation } from "#platform/async-invocation/async-invocation.ts";
import type { Json } from "#platform/store/store.ts";

type Subject = {
  readonly invocation: AsyncInvocation;
  /** Resolves with the next event that reaches the function. */
  readonly received: () => Promise<Json>;
  /** The function fails from now on. */
  readonly fail: () => void;
  readonly close: () => Promise<void>;
};

/** Every implementation of AsyncInvocation must pass. */
export const asyncInvocationContract = (name: string, open: () => Promise<Subject>) =>
  describe(`asynchronous invocation: ${name}`, () => {
    let subject: Subject;
    beforeEach(async () => {
      subject = await open();
    });
    afterEach(() => subject.close());

    test("an event reaches the function unchanged", async () => {
      const event = { followUp: "é", list: [1, null, { deep: true }] };
      const received = subject.received();
      await subject.invocation.start(event);
      expect(await received).toEqual(event);
    });

    test("a later change of the object does not reach the function", async () => {
      const event: { state: string } = { state: "first" };
      const received = subject.received();
      await subject.invocation.start(event);
      event.state = "second";
      expect(await received).toEqual({ state: "first" });
    });

    test("an error of the function does not reach the caller", async () => {
      subject.fail();
      const received = subject.received();
      await expect(subject.invocation.start({ fails: true })).resolves.toBeUndefined();
      await received;
    });
  });
