import { answerApproval } from "#lambdas/answer-approval/answer-approval.ts";
import { claimEnvironment } from "#lambdas/claim-environment/claim-environment.ts";
import { deployModel } from "#lambdas/deploy-model/deploy-model.ts";
import { judgeCanary } from "#lambdas/judge-canary/judge-canary.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";
import { promoteModel } from "#lambdas/promote-model/promote-model.ts";
import { registerModel } from "#lambdas/register-model/register-model.ts";
import { reportOutcome } from "#lambdas/report-outcome/report-outcome.ts";
import { requestApproval } from "#lambdas/request-approval/request-approval.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { scanImage } from "#lambdas/scan-image/scan-image.ts";
import { shiftTraffic } from "#lambdas/shift-traffic/shift-traffic.ts";
import { startDelivery } from "#lambdas/start-delivery/start-delivery.ts";
import { sweepDeliveries } from "#lambdas/sweep-deliveries/sweep-deliveries.ts";
import { verifyModel } from "#lambdas/verify-model/verify-model.ts";
import type { StepName } from "#statemachine/delivery.ts";
import type { World } from "#worlds/embedded/world.ts";

type Step = (event: unknown) => Promise<unknown>;

/** The same step functions as in Lambda, with this world. */
export const createSteps = (world: World) => {
  const machine = {
    "claim-environment": claimEnvironment(world),
    "scan-image": scanImage(world),
    "register-model": registerModel(world),
    "deploy-model": deployModel(world),
    "verify-model": verifyModel(world),
    "request-approval": requestApproval(world),
    "shift-traffic": shiftTraffic(world),
    "judge-canary": judgeCanary(world),
    "promote-model": promoteModel(world),
    "move-champion": moveChampion(world),
    "report-outcome": reportOutcome(world),
    "roll-back": rollBack(world),
  } satisfies Record<StepName, Step>;
  return {
    machine,
    startDelivery: startDelivery(world),
    answerApproval: answerApproval(world),
    sweepDeliveries: sweepDeliveries({
      ...world,
      rollBack: machine["roll-back"],
      moveChampion: machine["move-champion"],
      reportOutcome: machine["report-outcome"],
    }),
  };
};
export type Steps = ReturnType<typeof createSteps>;
