import { fileURLToPath } from "node:url";
import { createDeliveryName } from "#lambdas/start-delivery/delivery-name.ts";
import type { DataFolder } from "#worlds/embedded/data/data-folder.ts";
import type { Reporter } from "#worlds/embedded/reporter.ts";
import { createAutoApprover } from "#worlds/embedded/scenario/auto-approver.ts";
import {
  type Compute,
  type EmbeddedWorld,
  startEmbeddedWorld,
} from "#worlds/embedded/start-embedded-world.ts";
import type { KillPointRecorder } from "./kill-point-recorder.ts";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
export const rehearsedModel = "churn";

export type TestRehearsalOptions = {
  readonly folder: DataFolder;
  readonly machine: Compute;
  readonly recorder?: KillPointRecorder;
  /** Whether the canary's version fails its requests. */
  readonly canaryFails?: boolean;
  readonly clock?: () => number;
};

/** Requests to each version of a canary: over any manifest's minimum here, and enough for the intervals. */
const samplesPerVersion = 600;

/**
 * A rehearsal for one of these tests. Nobody calls prod: the canary's metrics are written as soon as it gets its share of
 * traffic, because hundreds of real requests a round would take minutes and say nothing about kills.
 */
export const startTestRehearsal = async ({
  folder,
  machine,
  recorder,
  canaryFails,
  clock = Date.now,
}: TestRehearsalOptions): Promise<EmbeddedWorld> => {
  const reporter: Reporter = {
    say: () => undefined,
    event: (event) => {
      if (event.event !== "state") return;
      if (event.state === "ShiftTraffic" && event.status === "succeeded")
        putCanaryMetrics(rehearsal, canaryFails);
      recorder?.entered(event.state, event.status);
    },
  };
  const rehearsal: EmbeddedWorld = await startEmbeddedWorld({
    folder,
    checkout,
    port: 0,
    modelsPort: 0,
    bakeMs: 5,
    traffic: 0,
    env: {},
    clock,
    reporter,
    compute: machine,
    ...(recorder ? { instrument: recorder.instrument } : {}),
  });
  return rehearsal;
};

const putCanaryMetrics = ({ world }: EmbeddedWorld, fails = false): void => {
  // Read without the capability, because this is no call of a step and has to end before the bake.
  const row = world.database
    .prepare("SELECT value FROM items WHERE partition = ? AND sort = 'alias'")
    .get(`serving#prod#${rehearsedModel}`);
  const alias = JSON.parse(String(row?.value)) as { version: string; canary: { version: string } };
  for (const version of [alias.version, alias.canary.version])
    for (let sample = 0; sample < samplesPerVersion; sample++)
      world.metrics.request({
        environment: "prod",
        model: rehearsedModel,
        version,
        at: world.clock(),
        latencyMs: 1 + (sample % 10) / 10,
        failed: fails && version === alias.canary.version && sample % 2 === 0,
        labels: new Map([[sample % 4 === 0 ? "churn" : "stay", 1]]),
      });
};

/** The delivery of a commit, as a push of it is named. */
export const toDeliveryName = (commit: string, attempt = 1): string =>
  createDeliveryName({ repository: "rehearsal", model: rehearsedModel, commit, attempt });

/** Answers the question of a delivery if it asks one, and waits for its end. */
export const decideAndWait = async (
  rehearsal: EmbeddedWorld,
  name: string,
  answer: "approve" | "reject" = "approve",
): Promise<void> => {
  const person = createAutoApprover(rehearsal);
  const ended = rehearsal.ended(name);
  await Promise.race([
    rehearsal
      .asked(name)
      .then(() => (answer === "approve" ? person.approve(name) : person.reject(name, "Not this one"))),
    ended,
  ]);
  await ended;
};
