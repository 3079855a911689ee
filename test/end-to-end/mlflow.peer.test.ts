import { afterAll, beforeAll, expect, test } from "vitest";
import { type Mlflow, mlflowStartLimitMs, startMlflow } from "#test/peers/mlflow.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { createFixture } from "./fixture.ts";
import { startRehearsalProcess } from "./rehearsal-process.ts";
import { runSlipway } from "./run-slipway.ts";

const minutes = 60_000;
const { skip } = requirePython("a rehearsal with MLflow as its registry");
let mlflow: Mlflow;
beforeAll(async () => {
  if (!skip) mlflow = await startMlflow("proxied");
}, mlflowStartLimitMs);
afterAll(() => mlflow?.stop());

const fetchMlflow = async (path: string): Promise<unknown> =>
  (await fetch(`${mlflow.uri}/api/2.0/mlflow/${path}`)).json();

test.skipIf(skip)(
  "npm start --mlflow delivers with a real MLflow as the registry, and later commands find it there",
  { timeout: 25 * minutes },
  async () => {
    const fixture = await createFixture();
    try {
      await using rehearsal = startRehearsalProcess(fixture, {
        args: ["--approve", "--port", "0", "--bake", "2s", "--mlflow", `${mlflow.uri}/`],
      });
      // One after the other, so that each has its timeout on a busy machine, and a failure shows the rehearsal's output. The
      // canary needs 381 requests at a tenth of the traffic: with two suites of this size at the same time on two busy
      // processors, ten minutes were not enough.
      for (let delivered = 0, from = 0; delivered < 2; delivered++) {
        const { outcome } = await rehearsal.waitFor("outcome", () => true, {
          from,
          timeoutMs: 10 * minutes,
        });
        expect(outcome, rehearsal.describe()).toBe("promoted");
        from = rehearsal.mark();
      }
      expect(await rehearsal.ended()).toEqual({ code: 0, signal: null });
      expect(await fetchMlflow("registered-models/get?name=churn")).toMatchObject({
        registered_model: {
          aliases: expect.arrayContaining([
            { alias: "champion", version: "2" },
            { alias: "previous_champion", version: "1" },
          ]),
        },
      });

      expect((await runSlipway(fixture, ["rollback", "churn", "--data", fixture.data])).code).toBe(0);
      expect(await fetchMlflow("registered-models/get?name=churn")).toMatchObject({
        registered_model: { aliases: expect.arrayContaining([{ alias: "champion", version: "1" }]) },
      });

      const elsewhere = await runSlipway(fixture, [
        "rehearse",
        "--data",
        fixture.data,
        "--mlflow",
        "http://127.0.0.1:9",
      ]);
      expect(elsewhere.code).toBe(3);
      expect(elsewhere.stderr).toContain(mlflow.uri);
    } finally {
      await fixture.remove();
    }
  },
);
