import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runBundle } from "#test/support/run-bundle.ts";
import { sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

const subject = { delivery: "churn-1234", model: "churn", commit: "c".repeat(40) };
const here = JSON.stringify(import.meta.dirname);

/** A handler around work from source text, because the wrapper's log is what its process writes. */
const buildHandler = (work: string, options = "{}") => `
  import * as z from ${JSON.stringify(import.meta.resolve("zod"))};
  import { createFunctionHandler, createStepHandler } from ${here.slice(0, -1)}/step-handler.ts";
  import { warn } from ${here.slice(0, -1)}/log-warning.ts";
  export const handler = ${work.startsWith("createStepHandler") ? work : `createFunctionHandler("deploy-model", ${work}, ${options})`};`;

describe("a step's log", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let files = 0;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
  });
  afterAll(() => folder.remove());

  const run = async (work: string, events: readonly unknown[], options?: string) => {
    const file = join(folder.path, `${files++}.mjs`);
    await writeFile(file, buildHandler(work, options));
    const { lines, ...rest } = await runBundle(file, {}, events);
    return { ...rest, lines: lines.map((line): Record<string, unknown> => JSON.parse(line)) };
  };

  test("each line names step, delivery, model and environment", async () => {
    const work = `async () => { warn("Slack is slow", new Error("429")); return { status: "granted", fence: 3 }; }`;
    const { lines, answers } = await run(work, [{ ...subject, environment: "prod" }]);
    expect(answers).toEqual([{ status: "granted", fence: 3 }]);
    expect(lines).toHaveLength(2);
    for (const line of lines)
      expect(line).toMatchObject({
        step: "deploy-model",
        delivery: "churn-1234",
        model: "churn",
        environment: "prod",
      });
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: "WARN",
        message: "Slack is slow",
        fault: { name: "Error", message: "429" },
      }),
    );
    expect(lines).toContainEqual(expect.objectContaining({ level: "INFO", status: "granted", fence: 3 }));
  });

  test("a second event keeps nothing from the first", async () => {
    const { lines } = await run("async () => ({})", [{ ...subject, environment: "prod" }, {}]);
    expect(lines[1]).toMatchObject({ step: "deploy-model", environment: "tooling" });
    expect(lines[1]).not.toHaveProperty("delivery");
  });

  test("a field of an event in another form than ours is not repeated", async () => {
    const odd = { delivery: sentinelSecrets.taskToken, model: "../x", environment: "moon" };
    const { lines } = await run("async () => ({})", [odd], `{ environment: "stage" }`);
    expect(lines[0]).toMatchObject({ environment: "stage" });
    expect(lines[0]).not.toHaveProperty("delivery");
    expect(lines[0]).not.toHaveProperty("model");
  });

  test("the log contains only the words and numbers of a result", async () => {
    const work = `async () => ({ status: "approved", reason: ${JSON.stringify(sentinelSecrets.inputRow)}, checks: [{}] })`;
    const { lines } = await run(work, [subject]);
    expect(lines[0]).toMatchObject({ status: "approved" });
    expect(lines[0]).not.toHaveProperty("checks");
  });

  test("a step on several deliveries logs a line for each", async () => {
    const work = `async () => ({ deliveries: [{ delivery: "a-1", result: "failed" }, { delivery: "b-2", result: "rolled back" }] })`;
    const { lines } = await run(work, [{}], "{ each: (output) => output.deliveries }");
    expect(lines.map(({ delivery, result }) => [delivery, result])).toEqual([
      ["a-1", "failed"],
      ["b-2", "rolled back"],
      [undefined, undefined],
    ]);
  });

  test("the counter of results gets the model", async () => {
    const { lines } = await run(
      `async () => ({ verdict: "fail" })`,
      [subject],
      `{ counted: ({ verdict }, model) => process.stdout.write(JSON.stringify({ counted: [verdict, model] }) + "\\n") }`,
    );
    expect(lines).toContainEqual({ counted: ["fail", "churn"] });
  });

  test("an error leaves with its name and message, without its other properties", async () => {
    const work = `async () => {
      class CanaryFailed extends Error { name = "CanaryFailed"; }
      throw Object.assign(new CanaryFailed("slower"), { request: { token: ${JSON.stringify(sentinelSecrets.gitHubToken)} } });
    }`;
    const { error, lines } = await run(work, [subject]);
    expect(error).toBe("CanaryFailed: slower");
    expect(lines[0]).toMatchObject({
      level: "ERROR",
      delivery: "churn-1234",
      fault: { name: "CanaryFailed", message: "slower" },
    });
  });

  test("an event that its contract refuses fails as ContractBroken, and the log contains nothing of the event", async () => {
    const work = `createStepHandler("deploy-model", z.object({ commit: z.number() }), async () => { throw new Error("the step ran"); })`;
    const { error, lines } = await run(work, [{ commit: sentinelSecrets.inputRow }]);
    expect(error).toMatch(/^ContractBroken: .*commit: .*deliver again/);
    expect(lines[0]).toMatchObject({ level: "ERROR", fault: { name: "ContractBroken" } });
  });

  test("a step gets its event as its contract reads it, without unknown fields", async () => {
    const work = `createStepHandler("deploy-model", z.object({ commit: z.number(), step: z.number().default(0) }), async (input) => input)`;
    const { answers } = await run(work, [{ commit: 1, more: 2 }]);
    expect(answers).toEqual([{ commit: 1, step: 0 }]);
  });

  test("a null event ends in a named error, not in silence", async () => {
    const work = `(event) => { throw new TypeError(typeof event); }`;
    const { error } = await run(work, [null]);
    expect(error).toBe("TypeError: object");
  });
});
