import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Outcome } from "#domain/delivery/outcomes.ts";
import { stateContracts } from "#statemachine/state-contracts.ts";
import {
  approvalOutput,
  claimOutput,
  createBuildError,
  createJudgeOutput,
  createNamedError,
  createSuccessScript,
  deployOutput,
  runDelivery,
  type TaskResult,
  type TaskState,
  verifyOutput,
} from "#test/support/statemachine/run-delivery.ts";

const toVerified =
  "ClaimStage BuildImage ScanImage IsScanned RegisterModel IsNew DeployStage VerifyStage IsVerified";
const toApproved = `${toVerified} RequestApproval IsApproved`;
const toProd = `${toApproved} ClaimProd IsProdClaimed DeployProd NeedsCanary`;
const canary = "StartCanary ShiftTraffic Bake JudgeCanary IsCanarySound";
const promotion = "PromoteModel Promoted MoveChampion ReportOutcome HasFailed Delivered";
const rollback = "RollBack NameError IsCommitted ReportOutcome HasFailed";
const failure = `Failed ${rollback} DeliveryFailed`;
const round = "ShiftTraffic Bake JudgeCanary IsCanarySound";
/** The approvers let an inconclusive canary go on. */
const accepted = "RequestCanaryApproval IsCanaryApproved ResumeCanary IsCanaryResumed";
const createFailVerdict = (name: string) => ({ verdict: "fail", error: { name, cause: "a cause" } });

const tasks = Object.keys(stateContracts) as TaskState[];
/** A canary asks once, so that each task runs. */
const asking: Parameters<typeof runDelivery>[0] = {
  JudgeCanary: [createJudgeOutput("shift", 1), createJudgeOutput("ask", 1)],
};
/** Tasks before the commit point. */
const tasksBeforeCommit = tasks.filter(
  (name) => !["MoveChampion", "ReportOutcome", "RollBack"].includes(name),
);

test.each<[string, string, Parameters<typeof runDelivery>[0], string]>([
  ["a good model with a canary of two steps", "promoted", {}, `${toProd} ${canary} ${round} ${promotion}`],
  [
    "a first version, without a canary",
    "promoted",
    { DeployProd: [{ ...deployOutput, canary: false, championVersion: null }] },
    `${toProd} ${promotion}`,
  ],
  [
    "an image that prod already serves",
    "unchanged",
    {
      RegisterModel: [
        { status: "unchanged", version: 1, digest: `sha256:${"d".repeat(64)}`, provenance: null },
      ],
    },
    `ClaimStage BuildImage ScanImage IsScanned RegisterModel IsNew Unchanged ${rollback} Delivered`,
  ],
  [
    "a scan that takes its time",
    "promoted",
    {
      ScanImage: [
        { status: "pending" },
        { status: "pending" },
        { status: "complete", verdict: "pass", checks: [], omitted: [] },
      ],
    },
    `ClaimStage BuildImage ScanImage IsScanned AwaitScan ScanImage IsScanned AwaitScan ${toProd.replace("ClaimStage BuildImage ", "")} ${canary} ${round} ${promotion}`,
  ],
  [
    "a rejection",
    "rejected",
    { RequestApproval: [{ ...approvalOutput, status: "rejected", reason: "no" }] },
    `${toApproved} Rejected ${rollback} Delivered`,
  ],
  [
    "no decision",
    "expired",
    { VerifyStage: [{ ...verifyOutput, approvalTimeoutSeconds: 1 }], RequestApproval: ["never"] },
    `${toVerified} RequestApproval Expired ${rollback} Delivered`,
  ],
  [
    "a prod that changed since the approval was requested",
    "promoted",
    { ClaimProd: [{ status: "stale", serving: 4 }, claimOutput] },
    `${toApproved} ClaimProd IsProdClaimed VerifyStage IsVerified RequestApproval IsApproved ClaimProd IsProdClaimed DeployProd NeedsCanary ${canary} ${round} ${promotion}`,
  ],
  [
    "a prod that changed after the checks were measured",
    "promoted",
    { RequestApproval: [createNamedError("ProdChanged"), approvalOutput] },
    `${toVerified} RequestApproval VerifyStage IsVerified RequestApproval IsApproved ClaimProd IsProdClaimed DeployProd NeedsCanary ${canary} ${round} ${promotion}`,
  ],
  [
    "a prod that is busy for a while",
    "promoted",
    { ClaimProd: [{ status: "busy", holder: "x" }, claimOutput] },
    `${toApproved} ClaimProd IsProdClaimed AwaitProd ClaimProd IsProdClaimed DeployProd NeedsCanary ${canary} ${round} ${promotion}`,
  ],
  [
    "a prod that is closed for a while",
    "promoted",
    { ClaimProd: [{ status: "held", until: 9, why: "frozen", waitSeconds: 60 }, claimOutput] },
    `${toApproved} ClaimProd IsProdClaimed AwaitOpening ClaimProd IsProdClaimed DeployProd NeedsCanary ${canary} ${round} ${promotion}`,
  ],
  [
    "a prod that closes between the claim and the canary's first share",
    "promoted",
    {
      ClaimProd: [claimOutput, { status: "held", until: 9, why: "frozen", waitSeconds: 60 }, claimOutput],
      ShiftTraffic: [
        createNamedError("ProdClosed"),
        { step: 0, share: 10, since: 1, bakeSeconds: 1_800 },
        { step: 1, share: 11, since: 1, bakeSeconds: 1_800 },
      ],
    },
    `${toProd} StartCanary ShiftTraffic AwaitProd ClaimProd IsProdClaimed AwaitOpening ClaimProd IsProdClaimed DeployProd NeedsCanary ${canary} ${round} ${promotion}`,
  ],
  [
    "a prod that closes between the claim and a first version's promotion",
    "promoted",
    {
      DeployProd: [{ ...deployOutput, canary: false, championVersion: null }],
      PromoteModel: [createNamedError("ProdClosed"), { sequence: 2, promotedAt: "now" }],
    },
    `${toProd} PromoteModel AwaitProd ClaimProd IsProdClaimed DeployProd NeedsCanary ${promotion}`,
  ],
  [
    "a prod that closes during the canary, and again after its approvers let it go on",
    "promoted",
    {
      JudgeCanary: [createJudgeOutput("bake"), createJudgeOutput("shift", 1), createJudgeOutput("ask", 1)],
      ResumeCanary: [createJudgeOutput("hold", 1), createJudgeOutput("promote", 1)],
    },
    `${toProd} ${canary} Bake JudgeCanary IsCanarySound ${round} ${accepted} HoldResumedCanary ResumeCanary IsCanaryResumed ${promotion}`,
  ],
  [
    "a canary with too few samples",
    "promoted",
    {
      JudgeCanary: [
        createJudgeOutput("bake"),
        createJudgeOutput("shift", 1),
        createJudgeOutput("promote", 1),
      ],
    },
    `${toProd} ${canary} Bake JudgeCanary IsCanarySound ${round} ${promotion}`,
  ],
  [
    "a canary that proves nothing, and that the approvers accept at both steps",
    "promoted",
    {
      JudgeCanary: [createJudgeOutput("bake"), createJudgeOutput("ask"), createJudgeOutput("ask", 1)],
      ResumeCanary: [createJudgeOutput("shift", 1), createJudgeOutput("promote", 1)],
    },
    `${toProd} ${canary} Bake JudgeCanary IsCanarySound ${accepted} NextCanaryStep ${round} ${accepted} ${promotion}`,
  ],
  [
    "a canary that proves nothing, and that an approver rejects",
    "rejected",
    {
      JudgeCanary: [createJudgeOutput("ask")],
      RequestCanaryApproval: [{ ...approvalOutput, status: "rejected", reason: "no" }],
    },
    `${toProd} ${canary} RequestCanaryApproval IsCanaryApproved Rejected ${rollback} Delivered`,
  ],
  [
    "a canary that proves nothing, and about which nobody decides",
    "expired",
    {
      JudgeCanary: [{ ...createJudgeOutput("ask"), approvalTimeoutSeconds: 1 }],
      RequestCanaryApproval: ["never"],
    },
    `${toProd} ${canary} RequestCanaryApproval Expired ${rollback} Delivered`,
  ],
])("%s ends as %s", async (_, outcome, script, path) => {
  const run = await runDelivery(script);
  expect(run.path.join(" ")).toBe(path);
  expect(run).toMatchObject({ status: "SUCCEEDED", outcome });
  expect(run.given.findLast(({ state }) => state === "ReportOutcome")?.event).toMatchObject({
    outcome,
    error: null,
  });
});

test.each<[string, Parameters<typeof runDelivery>[0], string, string]>([
  [
    "GateFailed",
    { VerifyStage: [{ ...verifyOutput, ...createFailVerdict("GateFailed") }] },
    "a cause",
    `${toVerified} GateMissed ${failure}`,
  ],
  [
    "CanaryFailed",
    { JudgeCanary: [{ ...createJudgeOutput("roll-back"), ...createFailVerdict("CanaryFailed") }] },
    "a cause",
    `${toProd} ${canary} CanaryStopped ${failure}`,
  ],
  [
    "CanaryFailed",
    {
      JudgeCanary: [createJudgeOutput("ask")],
      ResumeCanary: [{ ...createJudgeOutput("roll-back"), ...createFailVerdict("CanaryFailed") }],
    },
    "a cause",
    `${toProd} ${canary} ${accepted} ResumedCanaryStopped ${failure}`,
  ],
  [
    "ModelUnreadable",
    { BuildImage: [createBuildError("ModelUnreadable", "no such opset")] },
    "no such opset",
    `ClaimStage BuildImage ${failure}`,
  ],
])("a delivery that ends with %s says why", async (name, script, cause, path) => {
  const run = await runDelivery(script);
  expect(run).toMatchObject({ status: "FAILED", error: { name, cause } });
  expect(run.path.join(" ")).toBe(path);
});

describe("each task before the commit point", () => {
  test.each(tasksBeforeCommit)("%s: a newer delivery supersedes this one", async (name) => {
    const run = await runDelivery({ ...asking, [name]: [createNamedError("Superseded")] });
    expect(run).toMatchObject({ status: "SUCCEEDED", outcome: "superseded" });
    expect(run.path.join(" ")).toMatch(new RegExp(`${name} Superseded ${rollback} Delivered$`));
  });
  test.each(tasksBeforeCommit)(
    "%s: a permanent error ends the delivery under its own name, after the rollback",
    async (name) => {
      const run = await runDelivery({ ...asking, [name]: [createNamedError("ProdBusy", "too long")] });
      expect(run).toMatchObject({ status: "FAILED", error: { name: "ProdBusy", cause: "too long" } });
      expect(run.path.join(" ")).toMatch(new RegExp(`${name} ${failure}$`));
    },
  );
});

test.each(tasks.filter((name) => name !== "RollBack"))(
  "%s is retried after a temporary error",
  async (name) => {
    const results = asking[name] ?? createSuccessScript()[name];
    const run = await runDelivery({ ...asking, [name]: [createNamedError("TemporaryFault"), ...results] });
    expect(run).toMatchObject({ status: "SUCCEEDED", outcome: "promoted", retries: [name] });
  },
);

test("a build for which the account has no quota is started again every minute, for an hour", async () => {
  const refusals = (count: number) =>
    Array.from({ length: count }, () =>
      createNamedError("CodeBuild.AccountLimitExceededException", "Cannot have more than 1 builds in queue"),
    );
  const run = await runDelivery({ BuildImage: [...refusals(60), ...createSuccessScript().BuildImage] });
  expect(run).toMatchObject({ status: "SUCCEEDED", outcome: "promoted" });
  expect(run.retries).toHaveLength(60);
  expect(await runDelivery({ BuildImage: refusals(61) })).toMatchObject({
    status: "FAILED",
    error: { name: "CodeBuild.AccountLimitExceededException" },
  });
});

describe("a rollback", () => {
  const cause = /could not be put back/;
  test("is retried after a temporary error", async () => {
    const done: TaskResult = {
      committed: false,
      error: { name: "ProdBusy", cause: "too long" },
      restored: [],
    };
    const run = await runDelivery({
      DeployProd: [createNamedError("ProdBusy")],
      RollBack: [createNamedError("TemporaryFault"), done],
    });
    expect(run).toMatchObject({ status: "FAILED", error: { name: "ProdBusy" }, retries: ["RollBack"] });
  });
  test("that fails is reported, and its original error is kept", async () => {
    const run = await runDelivery({
      DeployProd: [createNamedError("GoldenVectorsDiffer")],
      RollBack: [createNamedError("RollBackFailed", "prod could not be put back")],
    });
    expect(run.status).toBe("FAILED");
    expect(run.error?.name).toBe("RollBackFailed");
    expect(run.error?.cause).toMatch(cause);
    expect(run.after("RollBackFailed")?.RollBack).toMatchObject({
      original: { Error: "GoldenVectorsDiffer" },
    });
    expect(run.path.slice(-8).join(" ")).toBe(
      "RollBack RollBackFailed MarkFailed NameError IsCommitted ReportOutcome HasFailed DeliveryFailed",
    );
  });
  test("that fails after a rejection makes it a failed delivery", async () => {
    const run = await runDelivery({
      RequestApproval: [{ ...approvalOutput, status: "rejected" }],
      RollBack: [createNamedError("RollBackFailed", "stage could not be put back")],
    });
    expect(run).toMatchObject({ status: "FAILED", error: { name: "RollBackFailed" } });
  });
});

describe("after the commit point", () => {
  const committed: TaskResult = { committed: true, error: null, restored: [] };
  test.each(["ServiceDown", "Superseded"])(
    "a promotion whose response was lost (%s) is promoted",
    async (name) => {
      const run = await runDelivery({ PromoteModel: [createNamedError(name)], RollBack: [committed] });
      expect(run).toMatchObject({ status: "SUCCEEDED", outcome: "promoted" });
      expect(run.path.join(" ")).toContain(
        "RollBack NameError IsCommitted Promoted MoveChampion ReportOutcome",
      );
      expect(run.given.at(-1)?.event).toMatchObject({ outcome: "promoted", error: null });
    },
  );
  test.each<TaskState>(["MoveChampion", "ReportOutcome"])("an error of %s changes nothing", async (name) => {
    const run = await runDelivery({ [name]: [createNamedError("Broken")] });
    expect(run).toMatchObject({ status: "SUCCEEDED", outcome: "promoted" });
    expect(run.path).not.toContain("RollBack");
  });
});

test("after any errors a delivery ends in one of its outcomes, and a promotion is never taken back", async () => {
  const names = fc.constantFrom(
    "TemporaryFault",
    "Superseded",
    "GateFailed",
    "States.TaskFailed",
    "TypeError",
  );
  // How often each task fails before it succeeds; five times is permanent.
  const faults = fc.dictionary(
    fc.constantFrom(...tasks),
    fc.record({ name: names, times: fc.integer({ min: 1, max: 6 }) }),
    { maxKeys: 4 },
  );
  await fc.assert(
    fc.asyncProperty(faults, fc.boolean(), async (faulty, committed) => {
      const script: Record<string, TaskResult[]> = {};
      for (const [name, { name: error, times }] of Object.entries(faulty))
        script[name] = [
          ...Array.from({ length: times }, () => createNamedError(error)),
          ...(name === "RollBack" ? [] : createSuccessScript()[name as TaskState]),
        ];
      if (!faulty.RollBack && committed && faulty.PromoteModel)
        script.RollBack = [{ committed: true, error: null, restored: [] }];
      const run = await runDelivery(script);
      expect(["SUCCEEDED", "FAILED"]).toContain(run.status);
      expect(Outcome.options).toContain(run.outcome);
      const promoted = run.path.indexOf("Promoted");
      if (promoted >= 0) {
        expect(run.outcome).toBe("promoted");
        expect(run.path.slice(promoted)).not.toContain("RollBack");
        const rolled = run.path.indexOf("RollBack");
        if (rolled >= 0) expect(run.path[rolled + 2]).toBe("IsCommitted");
      } else expect(run.path).toContain("RollBack");
    }),
    { seed: 42, numRuns: 60 },
  );
});

test("in any order of looks and answers a delivery ends at 100 % or with everything back, and only answers of approvers replace a verdict", async () => {
  const answer = fc.constantFrom("approved", "rejected", "never");
  const look = fc.constantFrom("shift", "bake", "promote", "roll-back", "ask");
  const resumed = fc.constantFrom("shift", "promote", "roll-back", "bake", "ask");
  const output = (next: string) => ({
    ...createJudgeOutput(next, 1),
    approvalTimeoutSeconds: 1,
    ...(next === "roll-back" ? createFailVerdict("CanaryFailed") : {}),
  });
  const some = <T>(each: fc.Arbitrary<T>) => fc.array(each, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(some(look), some(answer), some(resumed), async (looks, answers, resumes) => {
      const run = await runDelivery({
        // The last one repeats, so a canary that only bakes ends here with a promotion.
        JudgeCanary: [...looks.map(output), output("promote")],
        RequestCanaryApproval: answers.map((status) =>
          status === "never" ? "never" : { ...approvalOutput, status },
        ),
        ResumeCanary: resumes.map(output),
      });
      const promoted = run.path.includes("Promoted");
      expect(run.path.includes("RollBack")).toBe(!promoted);
      expect(run.outcome === "promoted").toBe(promoted);
      for (const [index, state] of run.path.entries())
        if (state === "ResumeCanary") expect(run.path[index - 1]).toBe("IsCanaryApproved");
      // What follows a question is a decision of people, or the end.
      const questions = run.path.filter((state) => state === "RequestCanaryApproval").length;
      const expired = run.path.includes("Expired") ? 1 : 0;
      expect(run.path.filter((state) => state === "IsCanaryApproved").length).toBe(questions - expired);
    }),
    { seed: 7, numRuns: 40 },
  );
});
