import { startDelivery } from "#lambdas/start-delivery/start-delivery.ts";
import { sweepDeliveries } from "#lambdas/sweep-deliveries/sweep-deliveries.ts";
import { watchModels } from "#lambdas/watch-models/watch-models.ts";
import { createEmbeddedUpkeep } from "#platform/serving/embedded-upkeep.ts";
import type { World } from "#worlds/embedded/world.ts";
import { createAnswerApproval } from "./create-answer-approval.ts";
import { createMachineSteps } from "./machine-steps.ts";
import { publishAfter } from "./publish-after.ts";

/** The steps and the functions beside the state machine, in this world. */
export const createSteps = (world: World) => {
  const machine = createMachineSteps(world);
  const publishing = publishAfter(world);
  return {
    machine: Object.fromEntries(
      Object.entries(machine).map(([name, step]) => [
        name,
        publishing(step as (event: unknown) => Promise<unknown>),
      ]),
    ) as typeof machine,
    startDelivery: startDelivery(world),
    ...createAnswerApproval(world),
    sweepDeliveries: publishing(
      sweepDeliveries({
        ...world,
        rollBack: machine["roll-back"],
        moveChampion: machine["move-champion"],
        reportOutcome: machine["report-outcome"],
      }),
    ),
    watchModels: watchModels({
      ...world,
      upkeep: {
        stage: createEmbeddedUpkeep(world.serving.stage),
        prod: createEmbeddedUpkeep(world.serving.prod),
      },
      traffic: world.metrics,
    }),
  };
};
export type Steps = ReturnType<typeof createSteps>;
