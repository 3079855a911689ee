import { fileURLToPath } from "node:url";
import { createDeliveryName } from "#lambdas/start-delivery/delivery-name.ts";
import { fastWorldOptions } from "#test/support/fast-world-options.ts";
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
  /** Whether the canary's requests fail. */
  readonly canaryFails?: boolean;
  readonly clock?: () => number;
};

/** Requests to each version of a canary: above every manifest's minimum here, and enough for the intervals. */
const samplesPerVersion = 600;

/**
 * A rehearsal for these tests. Prod gets no requests: the canary's metrics are written as soon as it gets its share of
 * traffic, because hundreds of real requests per round would take minutes and show nothing about kills.
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
    ...fastWorldOptions,
    clock,
    reporter,
    compute: machine,
    ...(recorder ? { instrument: recorder.instrument } : {}),
  });
  return rehearsal;
};

const putCanaryMetrics = ({ world }: EmbeddedWorld, fails = false): void => {
  // Reads the alias without the capability: this is not a step's call, and it must end before the bake.
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

/** The name of the delivery that a push of this commit starts. */
export const toDeliveryName = (commit: string, attempt = 1): string =>
  createDeliveryName({ repository: "rehearsal", model: rehearsedModel, commit, attempt });

/** Decides the approval of a delivery, if it requests one, and waits for its end. */
export const decideAndWait = async (
  rehearsal: EmbeddedWorld,
  name: string,
  decision: "approve" | "reject" = "approve",
): Promise<void> => {
  const approver = createAutoApprover(rehearsal);
  const end = rehearsal.ended(name);
  await Promise.race([
    rehearsal
      .asked(name)
      .then(() => (decision === "approve" ? approver.approve(name) : approver.reject(name, "Not this one"))),
    end,
  ]);
  await end;
};
