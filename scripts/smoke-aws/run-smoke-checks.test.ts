import { expect, test } from "vitest";
import { runSmokeChecks } from "./run-smoke-checks.ts";
import type { SmokeCheck } from "./smoke-check.ts";

const pass = { status: "pass", actual: "as expected" } as const;
const createCheck = (changes: Partial<SmokeCheck> = {}): SmokeCheck => ({
  behaviour: "a behaviour",
  expected: "something",
  aboutAws: true,
  run: async () => pass,
  ...changes,
});
const run = (checks: readonly SmokeCheck[], changes: object = {}) =>
  runSmokeChecks({
    checks,
    consent: true,
    imitation: undefined,
    onOutcome: () => undefined,
    signal: new AbortController().signal,
    ...changes,
  });

test("without consent nothing that writes is run", async () => {
  const writing = createCheck({
    writes: "creates a model",
    run: () => Promise.reject(new Error("it ran")),
  });
  expect(await run([writing, createCheck()], { consent: false })).toMatchObject([
    { status: "not checked", actual: "it creates a model: run again with --yes" },
    { status: "pass" },
  ]);
});

test("on a server that is not AWS, a behaviour of AWS never passes and never fails", async () => {
  const imitation = "http://127.0.0.1:5000";
  const outcomes = await run(
    [
      createCheck(),
      createCheck({ run: async () => ({ status: "fail", actual: "another error" }) }),
      createCheck({ aboutAws: false }),
    ],
    { imitation },
  );
  expect(outcomes.map(({ status }) => status)).toEqual(["not checked", "not checked", "pass"]);
  expect(outcomes[1]?.actual).toBe(`${imitation} is not AWS; there: fail, another error`);
});

test("what a check created is removed in reverse order, also when the check throws", async () => {
  const removed: string[] = [];
  const [outcome] = await run([
    createCheck({
      run: async (addCleanUp) => {
        addCleanUp("the model", async () => removed.push("model"));
        addCleanUp("its version", async () => removed.push("version"));
        throw new Error("in between");
      },
    }),
  ]);
  expect(removed).toEqual(["version", "model"]);
  expect(outcome).toMatchObject({ status: "fail", actual: "Error: in between" });
});

test("something that could not be removed makes the check fail and is named", async () => {
  const [outcome] = await run([
    createCheck({
      run: async (addCleanUp) => {
        addCleanUp("the model slipway-smoke-1", () => Promise.reject(new Error("no right")));
        return pass;
      },
    }),
  ]);
  expect(outcome).toMatchObject({
    status: "fail",
    actual: "the model slipway-smoke-1 was left behind, remove it: Error: no right",
  });
});

test("after Ctrl-C the running check is cleaned up, and no other begins", async () => {
  const interrupt = new AbortController();
  const removed: string[] = [];
  const outcomes = await run(
    [
      createCheck({
        run: async (addCleanUp) => {
          addCleanUp("the model", async () => removed.push("model"));
          interrupt.abort();
          return pass;
        },
      }),
      createCheck({ run: () => Promise.reject(new Error("it ran")) }),
    ],
    { signal: interrupt.signal },
  );
  expect(removed).toEqual(["model"]);
  expect(outcomes.map(({ actual }) => actual)).toEqual(["interrupted; cleaned up", "interrupted"]);
});

test("a missing right is no failure", async () => {
  const denied = Object.assign(new Error("not you"), { name: "AccessDeniedException" });
  expect(await run([createCheck({ run: () => Promise.reject(denied) })])).toMatchObject([
    { status: "not checked", actual: "you have no right to see it: not you" },
  ]);
});

test("a token in an error is not in the outcome", async () => {
  const error = new Error("refused Bearer abc.def xoxb-1-secret");
  const outcomes = await run([createCheck({ run: () => Promise.reject(error) })]);
  expect(JSON.stringify(outcomes)).not.toMatch(/abc\.def|xoxb/);
});
