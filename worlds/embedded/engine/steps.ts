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
import {
  ClaimInput,
  DeployModelInput,
  JudgeCanaryInput,
  MoveChampionInput,
  PromoteModelInput,
  RegisterModelInput,
  ReportOutcomeInput,
  RequestApprovalInput,
  RollBackInput,
  ScanImageInput,
  ShiftTrafficInput,
  VerifyModelInput,
} from "#statemachine/contracts.ts";
import type { StepName } from "#statemachine/delivery.ts";
import type { World } from "#worlds/embedded/world.ts";
import { parseInput } from "./parse-input.ts";

type Step = (event: unknown) => Promise<unknown>;

/** The same step functions as in Lambda, with this world. */
export const createSteps = (world: World) => {
  const machine = {
    "claim-environment": parseInput(ClaimInput, claimEnvironment(world)),
    "scan-image": parseInput(ScanImageInput, scanImage(world)),
    "register-model": parseInput(RegisterModelInput, registerModel(world)),
    "deploy-model": parseInput(DeployModelInput, deployModel(world)),
    "verify-model": parseInput(VerifyModelInput, verifyModel(world)),
    "request-approval": parseInput(RequestApprovalInput, requestApproval(world)),
    "shift-traffic": parseInput(ShiftTrafficInput, shiftTraffic(world)),
    "judge-canary": parseInput(JudgeCanaryInput, judgeCanary(world)),
    "promote-model": parseInput(PromoteModelInput, promoteModel(world)),
    "move-champion": parseInput(MoveChampionInput, moveChampion(world)),
    "report-outcome": parseInput(ReportOutcomeInput, reportOutcome(world)),
    "roll-back": parseInput(RollBackInput, rollBack(world)),
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
