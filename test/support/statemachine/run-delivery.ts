import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { buildVariables } from "#domain/delivery/parse-built-image.ts";
import { parseCaughtError } from "#domain/delivery/parse-caught-error.ts";
import { createEmbeddedDeliveries } from "#platform/deliveries/embedded.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import type { Json } from "#platform/store/store.ts";
import { DeliveryInput, RollBackInput } from "#statemachine/contracts.ts";
import type { StateName } from "#statemachine/delivery.ts";
import { stateContracts } from "#statemachine/state-contracts.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { localDefinition } from "#worlds/embedded/engine/engine.ts";

export type TaskState = keyof typeof stateContracts;
const isTask = (name: string): name is TaskState => Object.hasOwn(stateContracts, name);

/** A named error, as a step throws it. */
export const createNamedError = (name: string, message = `the message of ${name}`): Error =>
  Object.assign(new Error(message), { name });

const digest = `sha256:${"d".repeat(64)}`;
const checks = [{ name: "smoke", verdict: "pass", measured: 1, limit: 1, unit: "", detail: "fine" }];
const input = DeliveryInput.parse({
  delivery: "churn-1",
  model: "churn",
  commit: "c".repeat(40),
  runtime: digest,
  pusher: null,
  author: { name: "Sam", email: "sam@example.com" },
  requestedAt: 1,
  error: null,
});

export const claimOutput = { status: "granted", fence: 7 } as const;
export const deployOutput = {
  functionVersion: "2",
  url: "http://127.0.0.1/",
  championVersion: "1",
  canary: true,
};
export const verifyOutput = {
  verdict: "pass",
  error: null,
  baseline: 1,
  checks,
  omitted: [],
  comparisons: [],
  approvalTimeoutSeconds: 60,
};
export const approvalOutput = {
  status: "approved",
  by: [{ user: "U1", name: "Ada", at: "now" }],
  reason: null,
  approval: "a",
  decidedAt: 1,
  baseline: 1,
  digest,
  version: 2,
};
export const createJudgeOutput = (next: string, step = 0) => ({
  verdict: "pass",
  next,
  step,
  checks: [],
  error: null,
  omitted: [],
  approvalTimeoutSeconds: 60,
  waitSeconds: 60,
});

/** A successful delivery with a canary of two steps. */
export const createSuccessScript = (): Record<TaskState, readonly Json[]> => ({
  ClaimStage: [claimOutput],
  BuildImage: [
    { Build: { Id: "b", ExportedEnvironmentVariables: [{ Name: "SLIPWAY_DIGEST", Value: digest }] } },
  ],
  ScanImage: [{ status: "complete", verdict: "pass", checks, omitted: [] }],
  RegisterModel: [{ status: "registered", version: 2, digest, provenance: null }],
  DeployStage: [deployOutput],
  VerifyStage: [verifyOutput],
  RequestApproval: [approvalOutput],
  ClaimProd: [claimOutput],
  DeployProd: [deployOutput],
  ShiftTraffic: [0, 1].map((step) => ({ step, share: 10 + step, since: 1, bakeSeconds: 1800 })),
  JudgeCanary: [createJudgeOutput("shift", 1), createJudgeOutput("promote", 1)],
  RequestCanaryApproval: [approvalOutput],
  ResumeCanary: [createJudgeOutput("promote", 1)],
  PromoteModel: [{ sequence: 2, promotedAt: "now" }],
  MoveChampion: [{ champion: 2, previous: 1 }],
  ReportOutcome: [{ outcome: "failed", reportedAt: "now" }],
  RollBack: [],
});

/** The results of a state's task in order, the last one repeated: an output, an error to throw, or no end. */
export type TaskResult = Json | Error | "never";
export type TaskScript = Partial<Record<TaskState, readonly TaskResult[]>>;

/**
 * Runs one delivery on the embedded engine with scripted tasks; states without a script succeed. Inputs and outputs of
 * tasks are checked against the contracts; RollBack names errors as the real one does.
 */
export const runDelivery = async (script: TaskScript) => {
  const folder = await createTemporaryFolder();
  const database = openDatabase(join(folder.path, "state.db"));
  const visits = new Map<string, number>();
  const given: { state: TaskState; event: Json }[] = [];
  const scripts: Record<TaskState, readonly TaskResult[]> = { ...createSuccessScript(), ...script };

  const runTask = async (state: TaskState, event: Json): Promise<Json> => {
    const contract = stateContracts[state];
    contract.input?.parse(event);
    given.push({ state, event });
    const visit = visits.get(state) ?? 0;
    visits.set(state, visit + 1);
    const results = scripts[state];
    const next = results[Math.min(visit, results.length - 1)];
    if (next === "never") return new Promise(() => undefined);
    if (next instanceof Error) throw next;
    if (next === undefined) {
      const { error } = RollBackInput.parse(event);
      return { committed: false, error: error && parseCaughtError(error), restored: [] };
    }
    if (state !== "BuildImage") contract.output.parse(next);
    return next;
  };
  // One task per state, so that the same step can be scripted for each state.
  const States = Object.fromEntries(
    Object.entries(localDefinition.States).map(([name, state]) => {
      if (!isTask(name)) return [name, state];
      const own = { ...state, Resource: `arn:aws:lambda:eu-central-1:000000000000:function:${name}` };
      if (!("TimeoutSecondsPath" in state)) return [name, own];
      const Parameters = { ...state.Parameters, FunctionName: name };
      return [name, { ...state, Parameters }];
    }),
  );
  const deliveries = createEmbeddedDeliveries({
    database,
    definition: { StartAt: localDefinition.StartAt, States },
    clock: Date.now,
    newToken: randomUUID,
    waits: { AwaitScan: 1, AwaitProd: 1, AwaitOpening: 1, HoldResumedCanary: 1, Bake: 1 },
    retryMs: 1,
    tasks: Object.fromEntries(
      Object.keys(stateContracts)
        .filter(isTask)
        .map((state) => [
          state,
          async (event: Json) => {
            const result = runTask(state, event);
            if (state !== "RequestApproval" && state !== "RequestCanaryApproval") return result;
            const { taskToken } = event as { taskToken: string };
            const decision = await Promise.race([
              result,
              new Promise((done) => setTimeout(done, 5, "never")),
            ]);
            // Without a decision the token stays unused, although the function has returned.
            if (decision !== "never") await deliveries.succeed(taskToken, decision as Json);
            return undefined;
          },
        ]),
    ),
  });
  try {
    await deliveries.start(input.delivery, input);
    await deliveries.idle();
    const end = await deliveries.describe(input.delivery);
    const history = await deliveries.history(input.delivery);
    const output = end?.output as { outcome?: string; [key: string]: Json | undefined } | undefined;
    return {
      status: end?.status,
      error: end?.error,
      outcome: end?.status === "SUCCEEDED" ? output?.outcome : "failed",
      output,
      given,
      path: history.filter(({ status }) => status === "entered").map(({ state }) => state as StateName),
      retries: history.filter(({ status }) => status === "retried").map(({ state }) => state as StateName),
      /** The output data of a state. */
      after: (name: StateName) =>
        history.find(({ state, status }) => state === name && status === "succeeded")?.output as
          | Record<string, Json>
          | undefined,
    };
  } finally {
    database.close();
    await folder.remove();
  }
};

/** A build whose check failed, as `.sync` reports it. */
export const createBuildError = (name: string, cause: string): Error =>
  createNamedError(
    "States.TaskFailed",
    JSON.stringify({
      BuildStatus: "FAILED",
      ExportedEnvironmentVariables: [
        { Name: buildVariables.error, Value: name },
        { Name: buildVariables.cause, Value: cause },
      ],
    }),
  );
