import * as z from "zod";
import { ApprovalDecision } from "#domain/approval/decision.ts";
import { JudgeCanaryOutput } from "#domain/canary/evaluate-canary.ts";
import { ExportedVariables } from "#domain/delivery/parse-built-image.ts";
import { RequestCanaryApprovalInput, ResumeCanaryInput } from "./canary-contracts.ts";
import {
  Claim,
  ClaimProdInput,
  ClaimStageInput,
  DeployModelOutput,
  DeployProdInput,
  DeployStageInput,
  JudgeCanaryInput,
  MoveChampionInput,
  MoveChampionOutput,
  PromoteModelInput,
  PromoteModelOutput,
  RegisterModelInput,
  RegisterModelOutput,
  ReportOutcomeInput,
  ReportOutcomeOutput,
  RequestApprovalInput,
  RollBackInput,
  RollBackOutput,
  ScanImageInput,
  ScanImageOutput,
  ShiftTrafficInput,
  ShiftTrafficOutput,
  StageClaim,
  VerifyModelInput,
  VerifyModelOutput,
} from "./contracts.ts";
import type { DeliveryDefinition, StateName } from "./delivery.ts";

type TaskName = {
  [Name in StateName]: DeliveryDefinition["States"][Name] extends { readonly Type: "Task" } ? Name : never;
}[StateName];

/** The input of each Task state and its output at `$.<State>`; CodeBuild defines the input of a build. */
export const stateContracts = {
  ClaimStage: { input: ClaimStageInput, output: StageClaim },
  BuildImage: { input: undefined, output: z.object({ variables: ExportedVariables }) },
  ScanImage: { input: ScanImageInput, output: ScanImageOutput },
  RegisterModel: { input: RegisterModelInput, output: RegisterModelOutput },
  DeployStage: { input: DeployStageInput, output: DeployModelOutput },
  VerifyStage: { input: VerifyModelInput, output: VerifyModelOutput },
  RequestApproval: { input: RequestApprovalInput, output: ApprovalDecision },
  ClaimProd: { input: ClaimProdInput, output: Claim },
  DeployProd: { input: DeployProdInput, output: DeployModelOutput },
  ShiftTraffic: { input: ShiftTrafficInput, output: ShiftTrafficOutput },
  JudgeCanary: { input: JudgeCanaryInput, output: JudgeCanaryOutput },
  RequestCanaryApproval: { input: RequestCanaryApprovalInput, output: ApprovalDecision },
  ResumeCanary: { input: ResumeCanaryInput, output: JudgeCanaryOutput },
  PromoteModel: { input: PromoteModelInput, output: PromoteModelOutput },
  MoveChampion: { input: MoveChampionInput, output: MoveChampionOutput },
  ReportOutcome: { input: ReportOutcomeInput, output: ReportOutcomeOutput },
  RollBack: { input: RollBackInput, output: RollBackOutput },
} as const satisfies Record<TaskName, { input: z.ZodObject | undefined; output: z.ZodType }>;
