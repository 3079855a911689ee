import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Deliveries, type Execution, TaskGone } from "#platform/deliveries/deliveries.ts";

export type DeliveriesUnderTest = {
  readonly deliveries: Deliveries;
  /** The token of this execution's task; resolves once the task has begun. */
  token(name: string): Promise<string>;
  close(): Promise<void>;
};

const waitForEnd = async (deliveries: Deliveries, name: string): Promise<Execution | undefined> => {
  const settled = async () => (await deliveries.describe(name))?.status ?? "RUNNING";
  await expect.poll(settled, { timeout: 120_000, interval: 10 }).not.toBe("RUNNING");
  return deliveries.describe(name);
};

/**
 * The rules of `Deliveries`, for every implementation. `make` returns one without executions, for this definition:
 * `{ StartAt: "Ask", States: { Ask: { Type: "Task", <a resource that waits for a token>, TimeoutSeconds: 60,
 * ResultPath: "$.Ask", End: true } } }`: no Retry, no Catch. The task's function only passes its token,
 * under the execution's name, to callers of `token`.
 */
export const deliveriesContract = (name: string, make: () => Promise<DeliveriesUnderTest>): void => {
  describe(`deliveries: ${name}`, () => {
    let subject: DeliveriesUnderTest;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(() => subject.close());

    test("an execution runs until its token is used, and ends with that output", async () => {
      const { deliveries, token } = subject;
      expect(await deliveries.start("one", { model: "churn" })).toEqual({ started: true });
      const waiting = await token("one");
      const running = await deliveries.describe("one");
      expect(running).toMatchObject({ name: "one", status: "RUNNING", input: { model: "churn" } });
      expect(running?.endedAt).toBeUndefined();
      expect(Number.isNaN(Date.parse(running?.startedAt ?? ""))).toBe(false);
      await deliveries.succeed(waiting, { status: "approved" }, "one");
      const execution = await waitForEnd(deliveries, "one");
      expect(execution).toMatchObject({
        status: "SUCCEEDED",
        output: { model: "churn", Ask: { status: "approved" } },
      });
      expect(Date.parse(execution?.endedAt ?? "")).toBeGreaterThanOrEqual(
        Date.parse(execution?.startedAt ?? ""),
      );
    });

    test("a second start with the same name does nothing, during the execution and after it", async () => {
      const { deliveries, token } = subject;
      const input = { model: "churn" };
      await deliveries.start("one", input);
      const waiting = await token("one");
      expect(await deliveries.start("one", input)).toEqual({ started: false });
      expect(await token("one")).toBe(waiting);
      await deliveries.succeed(waiting, {}, "one");
      const execution = await waitForEnd(deliveries, "one");
      expect(await deliveries.start("one", input)).toEqual({ started: false });
      expect(await deliveries.describe("one")).toEqual(execution);
      expect((await deliveries.list({ limit: 10 })).executions).toHaveLength(1);
    });

    test("exactly one of several concurrent starts with one name succeeds", async () => {
      const starts = await Promise.all(Array.from({ length: 8 }, () => subject.deliveries.start("one", {})));
      expect(starts.filter(({ started }) => started)).toHaveLength(1);
    });

    test("an unknown execution is undefined and has no history", async () => {
      expect(await subject.deliveries.describe("none")).toBeUndefined();
      expect(await subject.deliveries.history("none")).toEqual([]);
    });

    test("an execution whose task fails ends as FAILED with the error's name and cause", async () => {
      const { deliveries, token } = subject;
      await deliveries.start("one", {});
      await deliveries.fail(
        await token("one"),
        { name: "Superseded", cause: "a newer delivery came" },
        "one",
      );
      expect(await waitForEnd(deliveries, "one")).toMatchObject({
        status: "FAILED",
        error: { name: "Superseded", cause: "a newer delivery came" },
      });
    });

    test("a token can be used once: every later use fails with TaskGone and changes nothing", async () => {
      const { deliveries, token } = subject;
      await deliveries.start("one", {});
      const waiting = await token("one");
      await deliveries.succeed(waiting, { status: "approved" }, "one");
      await expect(deliveries.succeed(waiting, { status: "rejected" }, "one")).rejects.toThrow(TaskGone);
      const again = deliveries.fail(waiting, { name: "Superseded", cause: "late" }, "one");
      await expect(again).rejects.toThrow(TaskGone);
      expect(await waitForEnd(deliveries, "one")).toMatchObject({
        status: "SUCCEEDED",
        output: { Ask: { status: "approved" } },
      });
      await expect(deliveries.succeed(waiting, {}, "one")).rejects.toThrow(TaskGone);
    });

    test("exactly one of several concurrent uses of one token succeeds", async () => {
      const { deliveries, token } = subject;
      await deliveries.start("one", {});
      const waiting = await token("one");
      const results = await Promise.allSettled(
        [1, 2, 3, 4].map((vote) => deliveries.succeed(waiting, { vote }, "one")),
      );
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toBeInstanceOf(TaskGone);
      }
    });

    test.each(["", "no token", "x".repeat(2_000)])("the unknown token %j is TaskGone", async (unknown) => {
      await expect(subject.deliveries.succeed(unknown, {})).rejects.toThrow(TaskGone);
      const failing = subject.deliveries.fail(unknown, { name: "Superseded", cause: "" });
      await expect(failing).rejects.toThrow(TaskGone);
    });

    test("the history lists the states, oldest first, with the output of those that succeeded", async () => {
      const { deliveries, token } = subject;
      await deliveries.start("one", { model: "churn" });
      const waiting = await token("one");
      expect(await deliveries.history("one")).toMatchObject([{ state: "Ask", status: "entered" }]);
      await deliveries.succeed(waiting, { status: "approved" }, "one");
      await waitForEnd(deliveries, "one");
      const history = await deliveries.history("one");
      expect(history).toMatchObject([
        { state: "Ask", status: "entered" },
        { state: "Ask", status: "succeeded", output: { model: "churn", Ask: { status: "approved" } } },
      ]);
      for (const { at, ms } of history) {
        expect(Number.isNaN(Date.parse(at))).toBe(false);
        expect(ms).toBeGreaterThanOrEqual(0);
      }
    });

    test("the history of a failed task names its error", async () => {
      const { deliveries, token } = subject;
      await deliveries.start("one", {});
      await deliveries.fail(await token("one"), { name: "Superseded", cause: "newer" }, "one");
      await waitForEnd(deliveries, "one");
      expect((await deliveries.history("one")).at(-1)).toMatchObject({
        state: "Ask",
        status: "failed",
        error: { name: "Superseded", cause: "newer" },
      });
    });

    test("executions are listed newest first, page by page, each once", async () => {
      const { deliveries, token } = subject;
      const names = ["a", "b", "c", "d", "e"];
      for (const each of names) {
        await deliveries.start(each, {});
        await token(each);
      }
      const listed: string[] = [];
      let after: string | undefined;
      do {
        const page = await deliveries.list({ limit: 2, ...(after === undefined ? {} : { after }) });
        expect(page.executions.length).toBeLessThanOrEqual(2);
        listed.push(...page.executions.map((execution) => execution.name));
        after = page.cursor;
      } while (after !== undefined);
      expect(listed).toEqual([...names].reverse());
    });

    test("a list by status contains only executions with that status", async () => {
      const { deliveries, token } = subject;
      for (const each of ["a", "b", "c"]) await deliveries.start(each, {});
      await deliveries.succeed(await token("b"), {}, "b");
      await waitForEnd(deliveries, "b");
      const listNames = async (status: Execution["status"]) =>
        (await deliveries.list({ limit: 10, status })).executions.map((execution) => execution.name);
      expect(await listNames("SUCCEEDED")).toEqual(["b"]);
      expect((await listNames("RUNNING")).sort()).toEqual(["a", "c"]);
      expect(await listNames("FAILED")).toEqual([]);
    });
  });
};
