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
import { verifyModel } from "#lambdas/verify-model/verify-model.ts";
import { AnyApprovalInput, AnyCanaryInput } from "#statemachine/canary-contracts.ts";
import {
  ClaimInput,
  DeployModelInput,
  MoveChampionInput,
  PromoteModelInput,
  RegisterModelInput,
  ReportOutcomeInput,
  RollBackInput,
  ScanImageInput,
  ShiftTrafficInput,
  VerifyModelInput,
} from "#statemachine/contracts.ts";
import type { StepName } from "#statemachine/delivery.ts";
import { parseInput } from "./parse-input.ts";

/** What all steps of the state machine need together. */
type MachineNeeds = Parameters<typeof claimEnvironment>[0] &
  Parameters<typeof scanImage>[0] &
  Parameters<typeof registerModel>[0] &
  Parameters<typeof deployModel>[0] &
  Parameters<typeof verifyModel>[0] &
  Parameters<typeof requestApproval>[0] &
  Parameters<typeof shiftTraffic>[0] &
  Parameters<typeof judgeCanary>[0] &
  Parameters<typeof promoteModel>[0] &
  Parameters<typeof moveChampion>[0] &
  Parameters<typeof reportOutcome>[0] &
  Parameters<typeof rollBack>[0];

/** The steps that the state machine calls, by their functions' names: the same functions as in Lambda. */
export const createMachineSteps = (needs: MachineNeeds) =>
  ({
    "claim-environment": parseInput(ClaimInput, claimEnvironment(needs)),
    "scan-image": parseInput(ScanImageInput, scanImage(needs)),
    "register-model": parseInput(RegisterModelInput, registerModel(needs)),
    "deploy-model": parseInput(DeployModelInput, deployModel(needs)),
    "verify-model": parseInput(VerifyModelInput, verifyModel(needs)),
    "request-approval": parseInput(AnyApprovalInput, requestApproval(needs)),
    "shift-traffic": parseInput(ShiftTrafficInput, shiftTraffic(needs)),
    "judge-canary": parseInput(AnyCanaryInput, judgeCanary(needs)),
    "promote-model": parseInput(PromoteModelInput, promoteModel(needs)),
    "move-champion": parseInput(MoveChampionInput, moveChampion(needs)),
    "report-outcome": parseInput(ReportOutcomeInput, reportOutcome(needs)),
    "roll-back": parseInput(RollBackInput, rollBack(needs)),
  }) satisfies Record<StepName, (event: unknown) => Promise<unknown>>;
