import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { EventLine, EventLineOfKind } from "./event-line.ts";
import { findSecrets } from "./find-secrets.ts";
import { createFixture, type Fixture } from "./fixture.ts";
import { fetchServingVersion } from "./prod-caller.ts";
import { type RehearsalProcess, startRehearsalProcess } from "./rehearsal-process.ts";
import { runSlipway } from "./run-slipway.ts";

const quick = ["--port", "0", "--bake", "300ms", "--traffic", "300"];
const minutes = 60_000;

const selectEvents = <Name extends EventLine["event"]>(
  process: RehearsalProcess,
  name: Name,
): EventLineOfKind<Name>[] =>
  process.events.filter((event): event is EventLineOfKind<Name> => event.event === name);
/** The states that a delivery entered, each run of Bake and JudgeCanary once. */
const listEnteredStates = (process: RehearsalProcess, delivery: string | undefined): string[] => {
  const entered = selectEvents(process, "state")
    .filter((event) => event.delivery === delivery && event.status === "entered")
    .map(({ state }) => state);
  return entered.filter((state, at) => !entered.slice(0, at).includes(state));
};
const Status = z.object({
  serving: z.array(z.object({ environment: z.string(), version: z.number(), percent: z.number() })),
});

describe("npm start -- --approve --json", () => {
  let fixture: Fixture;
  let rehearsal: RehearsalProcess;
  beforeAll(async () => {
    fixture = await createFixture();
    rehearsal = startRehearsalProcess(fixture, { args: ["--approve", ...quick], through: "npm start" });
  });
  afterAll(async () => {
    await rehearsal[Symbol.asyncDispose]();
    await fixture.remove();
  });

  test(
    "delivers both versions, and prod responds with the second before the exit with 0",
    async () => {
      // Called before the process ends: with --approve it ends as soon as prod has responded.
      const second = rehearsal.waitFor(
        "serving",
        (event) => event.environment === "prod" && event.version === 2,
      );
      const servedVersion = second.then(({ url }) => fetchServingVersion(url));
      expect(await servedVersion).toBe(2);
      expect(await rehearsal.ended(), rehearsal.describe()).toEqual({ code: 0, signal: null });
      expect(selectEvents(rehearsal, "outcome").map(({ outcome }) => outcome)).toEqual([
        "promoted",
        "promoted",
      ]);
      await rehearsal.groupEnded();
    },
    5 * minutes,
  );

  test("stdout contains only the four events, one per line", () => {
    expect(rehearsal.otherLines).toEqual([]);
    expect(new Set(rehearsal.events.map(({ event }) => event))).toEqual(
      new Set(["state", "question", "serving", "outcome"]),
    );
  });

  test("the states follow the definition's order, the first version without a canary", () => {
    const [first, second] = selectEvents(rehearsal, "question").map(({ delivery }) => delivery);
    const before = [
      "ClaimStage",
      "BuildImage",
      "ScanImage",
      "IsScanned",
      "RegisterModel",
      "IsNew",
      "DeployStage",
      "VerifyStage",
      "IsVerified",
      "RequestApproval",
      "IsApproved",
      "ClaimProd",
      "IsProdClaimed",
      "DeployProd",
      "NeedsCanary",
    ];
    const canary = ["StartCanary", "ShiftTraffic", "Bake", "JudgeCanary", "IsCanarySound"];
    const after = ["PromoteModel", "Promoted", "MoveChampion", "ReportOutcome", "HasFailed", "Delivered"];
    expect(listEnteredStates(rehearsal, first)).toEqual([...before, ...after]);
    expect(listEnteredStates(rehearsal, second)).toEqual([...before, ...canary, ...after]);
  });

  test("each change of a served version is one event, stage before prod, with the image's digest", () => {
    const serving = selectEvents(rehearsal, "serving");
    expect(serving.map(({ environment, model, version }) => `${environment} ${model} ${version}`)).toEqual([
      "stage churn 1",
      "prod churn 1",
      "stage churn 2",
      "prod churn 2",
    ]);
    expect(serving[0]?.digest).toBe(serving[1]?.digest);
    expect(serving[2]?.digest).toBe(serving[3]?.digest);
    expect(serving[0]?.digest).not.toBe(serving[2]?.digest);
  });

  test("stderr says that the waits are shortened, how to call prod, and that no call failed", () => {
    expect(rehearsal.stderr()).toMatch(
      /Waits are shorter than on AWS.*manifest, policy and state machine are the same/,
    );
    expect(rehearsal.stderr()).toMatch(/curl -s http:\/\/127\.0\.0\.1:\d+\/prod\/models\/churn\/v1\/predict/);
    expect(rehearsal.stderr()).toMatch(/\d+ succeeded, 0 failed/);
    expect(rehearsal.stderr()).toContain(fixture.repository);
  });

  test(
    "a second run continues, has nothing to deliver, and exits with 0",
    async () => {
      await using again = startRehearsalProcess(fixture, {
        args: ["--approve", ...quick],
        through: "npm start",
      });
      expect(await again.ended(), again.describe()).toEqual({ code: 0, signal: null });
      expect(again.stderr()).toMatch(/Continuing with the data in/);
      expect(again.stderr()).toMatch(/delivered before: promoted/);
      expect(again.events.filter(({ event }) => event !== "serving")).toEqual([]);
      expect(again.otherLines).toEqual([]);
      await again.groupEnded();
    },
    3 * minutes,
  );

  test("no output or file contains a secret or a token", async () => {
    await rehearsal[Symbol.asyncDispose]();
    expect(findSecrets(fixture)).toEqual([]);
  });
});

describe("npm start -- --reject --json", () => {
  test(
    "approves the first, rejects the second, and leaves stage and prod with the first",
    async () => {
      const fixture = await createFixture();
      try {
        await using rehearsal = startRehearsalProcess(fixture, {
          args: ["--reject", ...quick],
          through: "npm start",
        });
        expect(await rehearsal.ended(), rehearsal.describe()).toEqual({ code: 0, signal: null });
        expect(selectEvents(rehearsal, "outcome").map(({ outcome }) => outcome)).toEqual([
          "promoted",
          "rejected",
        ]);
        const status = await runSlipway(fixture, ["status", "churn", "--json", "--data", fixture.data]);
        expect(status.code, status.stderr).toBe(0);
        expect(Status.parse(JSON.parse(status.stdout)).serving).toEqual([
          { environment: "stage", version: 1, percent: 100 },
          { environment: "prod", version: 1, percent: 100 },
        ]);
        expect(rehearsal.otherLines).toEqual([]);
        await rehearsal.groupEnded();
        const prediction = await runSlipway(fixture, ["predict", "churn", "--data", fixture.data]);
        expect(prediction.code).toBe(3);
        expect(prediction.stderr).toMatch(/no rehearsal runs on this folder.*start one with `npm start`/);
        expect(findSecrets(fixture)).toEqual([]);
      } finally {
        await fixture.remove();
      }
    },
    5 * minutes,
  );
});
