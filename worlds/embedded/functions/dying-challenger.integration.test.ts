import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { evaluateCanary } from "#domain/canary/evaluate-canary.ts";
import { choosePercentiles } from "#domain/canary/p95-interval.ts";
import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { createSqliteMetrics } from "#platform/metrics/sqlite.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import type { Json } from "#platform/store/store.ts";
import { createScriptedFunction } from "#test/support/scripted-function.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createFunctionHost } from "./function-host.ts";

const at = 1_000;
const served = { environment: "prod", model: "churn" } as const;

let undo: (() => unknown)[];
beforeEach(() => {
  undo = [];
});
afterEach(async () => {
  for (const step of undo.reverse()) await step();
});

/** A host on real metrics. A function reports a request by a line with its version, as the inference function does. */
const startHost = async () => {
  const folder = await createTemporaryFolder();
  const database = openDatabase(join(folder.path, "state.db"));
  const metrics = createSqliteMetrics({ database, clock: () => at });
  const image = await createScriptedFunction();
  const host = createFunctionHost({
    imageRoot: async () => image.root,
    metrics,
    parseEmf: (line): RequestMetrics | undefined =>
      line.startsWith("reported by ")
        ? { ...served, version: line.slice(-1), at, latencyMs: 5, failed: false, labels: new Map() }
        : undefined,
    onLine: () => undefined,
    staysWarm: async () => true,
    clock: () => at,
    requestId: () => "request",
  });
  undo.push(
    folder.remove,
    () => database.close(),
    () => metrics.close(),
    image.remove,
    host.stop,
  );
  const call = (version: string, payload: Json): Promise<unknown> =>
    host
      .invoke({
        ...served,
        version: {
          version,
          config: { digest: `sha256:${version}`, memoryMb: 256, timeoutSeconds: 20, variables: {} },
        },
        payload,
      })
      .catch((error: Error) => error.name);
  return { call, metrics };
};

test("a challenger that dies on a fifth of its calls, without a line of metrics, fails its canary", async () => {
  const { call, metrics } = await startHost();
  const responses: unknown[] = [];
  for (let index = 0; index < 200; index++) {
    await call("1", { do: "print", lines: ["reported by 1"] });
    const dies = index % 5 === 0;
    responses.push(await call("2", dies ? { do: "exit" } : { do: "print", lines: ["reported by 2"] }));
  }
  expect(responses.filter((response) => response === "FunctionFailed")).toHaveLength(40);

  const statistics = (version: string) =>
    metrics.statistics({ ...served, version, from: 0, to: at + 1 }, { percentiles: choosePercentiles(200) });
  const [champion, challenger] = [await statistics("1"), await statistics("2")];
  expect(champion).toMatchObject({ requests: 200, failures: 0, unreported: 0 });
  expect(challenger).toMatchObject({ requests: 160, failures: 0, unreported: 40 });
  const judged = evaluateCanary({
    rule: { steps: [10, 50], bake: "PT30M", minSamples: 50, onInconclusive: "extend", atMost: "PT6H" },
    limits: { errorPoints: 1, latencyP95: { ratio: 1.5, slackMs: 20 }, labelSharePoints: 10 },
    labels: [],
    step: 0,
    champion,
    challenger,
    startedAt: 0,
    now: at,
  });
  expect(judged).toMatchObject({ verdict: "fail", next: "roll-back", error: { name: "CanaryFailed" } });
  expect(judged.error?.cause).toContain("40 of 200 requests failed on the challenger (40 without a response");
});
