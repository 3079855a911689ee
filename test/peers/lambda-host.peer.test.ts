import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseReportLine } from "#platform/serving/lambda-report.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createLambdaHost, type LambdaHost, type LambdaHostOptions } from "./lambda-host.ts";
import { requireRuntimeClient } from "./runtime-client.ts";

const { skip } = requireRuntimeClient("tests under AWS's runtime client");

describe.skipIf(skip)("a function under AWS's runtime client", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  const hosts: LambdaHost[] = [];
  let hostCount = 0;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
  });
  afterAll(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
    await folder?.remove();
  });
  const startHost = async (code: string, options: Partial<LambdaHostOptions> = {}): Promise<LambdaHost> => {
    const root = join(folder.path, String(hostCount++));
    await mkdir(root);
    await writeFile(join(root, "index.mjs"), code);
    const host = createLambdaHost({
      name: "slipway-step",
      code: root,
      env: { GREETING: "hello" },
      ...options,
    });
    hosts.push(host);
    return host;
  };

  test("an async handler returns its result, and gets its context and only its own variables", async () => {
    process.env.OF_THE_TEST = "not the function's";
    const { invoke } = await startHost(`export const handler = async (event, context) => ({
      event,
      greeting: process.env.GREETING,
      inherited: process.env.OF_THE_TEST ?? null,
      left: context.getRemainingTimeInMillis(),
      arn: context.invokedFunctionArn,
      id: context.awsRequestId,
      trace: process.env._X_AMZN_TRACE_ID,
    });`);
    const { payload, functionError, log } = await invoke({ text: "naïve ✓" });
    expect(functionError).toBeUndefined();
    expect(payload).toEqual({
      event: { text: "naïve ✓" },
      greeting: "hello",
      inherited: null,
      left: expect.any(Number),
      arn: "arn:aws:lambda:eu-central-1:123456789012:function:slipway-step",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      trace: expect.stringMatching(/^Root=1-/),
    });
    const { left, id } = payload as { left: number; id: string };
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(30_000);
    expect(log).toMatch(new RegExp(`^START RequestId: ${id} `));
  });

  test("a cold start is reported once; the next event finds the same process", async () => {
    const { invoke } = await startHost(`let events = 0;
      console.log("starting");
      export const handler = async () => { console.log("event", ++events); return events; };`);
    const first = await invoke(null);
    const second = await invoke(null);
    expect([first.payload, second.payload]).toEqual([1, 2]);
    expect(parseReportLine(first.log)?.initMs).toBeGreaterThan(0);
    expect(parseReportLine(second.log)?.initMs).toBeUndefined();
    expect(first.log).toMatch(/\tstarting\n.*\tevent 1\n/);
    expect(second.log).toContain("\tevent 2\n");
    expect(second.log).not.toContain("starting");
  });

  test("events at the same time run in separate environments", async () => {
    const { invoke } = await startHost(`let busy = false;
      export const handler = async () => {
        if (busy) throw new Error("two at once");
        busy = true;
        await new Promise((wait) => setTimeout(wait, 300));
        busy = false;
        return process.pid;
      };`);
    const pids = (await Promise.all([invoke(1), invoke(2)])).map(({ payload }) => payload);
    expect(new Set(pids).size).toBe(2);
    expect(pids).toContain((await invoke(3)).payload);
  });

  test("a thrown error is reported by its name, not by its class, and the process stays alive", async () => {
    const { invoke } = await startHost(`class a extends Error { name = "GateFailed"; }
      export const handler = async (event) => { if (event.fail) throw new a("too slow"); return "fine"; };`);
    expect(await invoke({ fail: true })).toMatchObject({
      functionError: "Unhandled",
      payload: { errorType: "GateFailed", errorMessage: "too slow", trace: expect.any(Array) },
    });
    expect((await invoke({})).payload).toBe("fine");
  });

  test("a function that exceeds its timeout is killed with Lambda's error; the next event starts a new process", async () => {
    const { invoke } = await startHost(
      `export const handler = async (event) => {
        console.log("working");
        if (event.hang) await new Promise(() => setInterval(() => {}, 1_000));
        return "in time";
      };`,
      { timeoutSeconds: 1 },
    );
    const { payload, functionError, log } = await invoke({ hang: true });
    expect(functionError).toBe("Unhandled");
    expect(payload).toEqual({
      errorType: "Sandbox.Timedout",
      errorMessage: expect.stringMatching(
        /^RequestId: [0-9a-f-]{36} Error: Task timed out after 1.00 seconds$/,
      ),
    });
    expect(log).toContain("\tworking\n");
    const next = await invoke({});
    expect(next.payload).toBe("in time");
    expect(parseReportLine(next.log)?.initMs).toBeGreaterThan(0);
  });

  test.each([
    [
      "an unhandled rejection",
      `Promise.reject(new Error("forgotten")); await new Promise(() => setInterval(() => {}, 1_000));`,
      "exit status 1",
    ],
    ["an exit in the middle", "process.exit(3);", "exit status 3"],
    ["a kill", 'process.kill(process.pid, "SIGKILL"); await new Promise(() => {});', "signal: killed"],
  ])("%s ends the event as Runtime.ExitError, and the next starts a new one", async (_, body, cause) => {
    const { invoke } = await startHost(
      `export const handler = async (event) => { if (event.fail) { ${body} } return "fine"; };`,
    );
    expect(await invoke({ fail: true })).toMatchObject({
      functionError: "Unhandled",
      payload: {
        errorType: "Runtime.ExitError",
        errorMessage: expect.stringMatching(
          new RegExp(`^RequestId: \\S+ Error: Runtime exited with error: ${cause}$`),
        ),
      },
    });
    expect((await invoke({})).payload).toBe("fine");
  });

  test.each([
    [
      "throws",
      'const e = new Error("TABLE is not set"); e.name = "EnvironmentIncomplete"; throw e;',
      "EnvironmentIncomplete",
    ],
    ["has no handler", "export const other = 1;", "Runtime.HandlerNotFound"],
    ["cannot be parsed", "export const handler = (", "Runtime.UserCodeSyntaxError"],
  ])("a module that %s responds to each event with its start's error", async (_, code, errorType) => {
    const { invoke } = await startHost(code);
    for (const event of [1, 2])
      expect(await invoke(event)).toMatchObject({ functionError: "Unhandled", payload: { errorType } });
  });

  test("a response over Lambda's limit is refused", async () => {
    const { invoke } = await startHost(`export const handler = async ({ size }) => "x".repeat(size);`);
    expect((await invoke({ size: 7_000_000 })).payload).toMatchObject({
      errorType: "Function.ResponseSizeTooLarge",
    });
  });
});
