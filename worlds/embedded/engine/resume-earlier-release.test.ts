import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import { createExecutionTable } from "#platform/deliveries/execution-table.ts";
import { stateContracts } from "#statemachine/state-contracts.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { startEngine } from "./engine.ts";

/** What release 0.2.0 had stored of a delivery when it asked: the output of IsVerified in a rehearsal of that release. */
const data = z
  .json()
  .parse(
    JSON.parse(
      readFileSync(new URL("../../../test/releases/state-data-of-0.2.0.json", import.meta.url), "utf8"),
    ),
  );
const { delivery, RegisterModel } = z
  .object({
    delivery: z.string(),
    RegisterModel: z.object({ digest: z.string(), version: z.int() }),
  })
  .parse(data);

test("a delivery that 0.2.0 has begun asks again under this definition, and goes on with the decision", async () => {
  const { database, clock } = memoryStore();
  const table = createExecutionTable(database);
  table.start(delivery, data, clock());
  table.enter(delivery, { state: "RequestApproval", data });

  const inputs = new Map<string, unknown>();
  const events = new EventEmitter();
  const record = (state: keyof typeof stateContracts, event: unknown) => {
    inputs.set(state, stateContracts[state].input?.parse(event));
    events.emit(state);
  };
  const refuse = async () => {
    throw new Error("this test ends before it");
  };
  const engine = startEngine({
    capabilities: { database, clock },
    build: refuse,
    steps: () => ({
      "claim-environment": async (event) => {
        record("ClaimProd", event);
        return { status: "granted", fence: 2, holder: delivery, serving: null };
      },
      "deploy-model": async (event) => {
        record("DeployProd", event);
        throw new Error("not deployed here");
      },
      "request-approval": async (event) => record("RequestApproval", event),
      "roll-back": async (event) => {
        record("RollBack", event);
        return { committed: false, error: { name: "Stopped", cause: "here" }, restored: [] };
      },
      "report-outcome": async (event) => {
        record("ReportOutcome", event);
        return { outcome: "failed", reportedAt: "2026-11-29T12:00:00Z" };
      },
      "scan-image": refuse,
      "register-model": refuse,
      "verify-model": refuse,
      "shift-traffic": refuse,
      "judge-canary": refuse,
      "promote-model": refuse,
      "move-champion": refuse,
    }),
    pace: { bakeMs: 1 },
    onEvent: () => undefined,
    onEnd: (_, status) => events.emit("end", status),
    onError: () => undefined,
  });
  const asked = once(events, "RequestApproval");
  const ended = once(events, "end");
  expect((await engine.resume()).resumed).toEqual([delivery]);
  await Promise.race([asked, ended]);
  const question = stateContracts.RequestApproval.input.parse(inputs.get("RequestApproval"));
  expect(question).toMatchObject({ delivery, scanOmitted: [], comparisons: [] });
  expect(question.checks.length).toBeGreaterThan(3);
  await engine.succeed(question.taskToken, {
    status: "approved",
    by: [{ user: "U024BE7LH", name: "Ada", at: "2026-11-29T12:00:00Z" }],
    reason: null,
    approval: "churn~1",
    decidedAt: clock(),
    baseline: question.baseline,
    digest: RegisterModel.digest,
    version: RegisterModel.version,
  });
  await ended;
  expect(inputs.get("DeployProd")).toMatchObject(RegisterModel);
  expect([...inputs.keys()]).toEqual([
    "RequestApproval",
    "ClaimProd",
    "DeployProd",
    "RollBack",
    "ReportOutcome",
  ]);
  engine.close();
  database.close();
});
