import { randomUUID } from "node:crypto";
import { normalizeError } from "#domain/delivery/normalize-error.ts";
import type { ExecutionStatus, StateEvent } from "#platform/deliveries/deliveries.ts";
import { createEmbeddedDeliveries } from "#platform/deliveries/embedded.ts";
import type { Json } from "#platform/store/store.ts";
import { completeStateData } from "#statemachine/complete-state-data.ts";
import { defineDelivery, type StepName, stepNames } from "#statemachine/delivery.ts";
import type { Capabilities } from "#worlds/embedded/capabilities.ts";

/** The definition with local ARNs; only `Resource` differs from the definition on AWS. */
export const localDefinition = defineDelivery({
  functions: createFunctionArns((name) => `arn:aws:lambda:eu-central-1:000000000000:function:${name}`),
  buildProject: "slipway-images",
});

function createFunctionArns(arn: (name: StepName) => string): Record<StepName, string> {
  return {
    "claim-environment": arn("claim-environment"),
    "scan-image": arn("scan-image"),
    "register-model": arn("register-model"),
    "deploy-model": arn("deploy-model"),
    "verify-model": arn("verify-model"),
    "request-approval": arn("request-approval"),
    "shift-traffic": arn("shift-traffic"),
    "judge-canary": arn("judge-canary"),
    "promote-model": arn("promote-model"),
    "move-champion": arn("move-champion"),
    "report-outcome": arn("report-outcome"),
    "roll-back": arn("roll-back"),
  };
}

type EngineTimings = {
  /** The wait of the state Bake, milliseconds; undefined: the manifest's. */
  readonly bakeMs: number | undefined;
};

/** Milliseconds between two polls of a scan or of a busy or closed prod, and before a retry. */
const pollMs = 500;
/** The longest round of a bake that this machine shortens: an order acts within it. */
const maxRoundMs = 5_000;
const retryMs = 200;

/** Runs the state machine on this machine, with the same steps as on AWS; only waits are shorter. */
export const startEngine = ({
  capabilities,
  build,
  steps,
  pace,
  onEvent,
  onEnd,
  onError,
}: {
  capabilities: Pick<Capabilities, "database" | "clock">;
  /** See runBuildTask. */
  build: (event: Json) => Promise<Json>;
  /** Called for each task, because the steps' world needs the engine first. */
  steps: () => Readonly<Record<StepName, (event: unknown) => Promise<unknown>>>;
  pace: EngineTimings;
  onEvent: (name: string, event: StateEvent) => void;
  onEnd: (name: string, status: ExecutionStatus) => void;
  onError: (sentence: string, error: unknown) => void;
}) => {
  const asTask = (name: StepName) => async (event: Json) => {
    const output: unknown = await steps()
      [name](event)
      .catch((fault: unknown) => {
        throw normalizeError(fault);
      });
    // State data is JSON.
    return output === undefined ? undefined : (JSON.parse(JSON.stringify(output)) as Json);
  };
  return createEmbeddedDeliveries({
    database: capabilities.database,
    definition: localDefinition,
    tasks: {
      "codebuild:startBuild.sync": build,
      ...Object.fromEntries(stepNames.map((name) => [name, asTask(name)])),
    },
    clock: capabilities.clock,
    newToken: randomUUID,
    waits: {
      AwaitScan: pollMs,
      AwaitProd: pollMs,
      AwaitOpening: pollMs,
      HoldResumedCanary: pollMs,
      ...(pace.bakeMs === undefined ? {} : { Bake: Math.min(pace.bakeMs, maxRoundMs) }),
    },
    completeData: completeStateData,
    retryMs,
    onEvent,
    onEnd,
    onError,
  });
};
export type Engine = ReturnType<typeof startEngine>;
