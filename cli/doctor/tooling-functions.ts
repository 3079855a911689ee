import type * as z from "zod";
import { Env as AnswerApproval } from "#lambdas/answer-approval/env.ts";
import { Env as ClaimEnvironment } from "#lambdas/claim-environment/env.ts";
import { Env as DeployModel } from "#lambdas/deploy-model/env.ts";
import { Env as JudgeCanary } from "#lambdas/judge-canary/env.ts";
import { Env as MoveChampion } from "#lambdas/move-champion/env.ts";
import { Env as Notify } from "#lambdas/notify/env.ts";
import { Env as PromoteModel } from "#lambdas/promote-model/env.ts";
import { Env as PublishEvents } from "#lambdas/publish-events/env.ts";
import { Env as RegisterModel } from "#lambdas/register-model/env.ts";
import { Env as ReportOutcome } from "#lambdas/report-outcome/env.ts";
import { Env as ReportSource } from "#lambdas/report-source/env.ts";
import { Env as RequestApproval } from "#lambdas/request-approval/env.ts";
import { Env as RollBack } from "#lambdas/roll-back/env.ts";
import { Env as ScanImage } from "#lambdas/scan-image/env.ts";
import { Env as ShiftTraffic } from "#lambdas/shift-traffic/env.ts";
import { Env as ShowConsole } from "#lambdas/show-console/env.ts";
import { Env as StartDelivery } from "#lambdas/start-delivery/env.ts";
import { Env as SweepDeliveries } from "#lambdas/sweep-deliveries/env.ts";
import { Env as VerifyModel } from "#lambdas/verify-model/env.ts";
import { Env as WatchModels } from "#lambdas/watch-models/env.ts";
import type { StepName } from "#statemachine/delivery.ts";

type ToolingFunctionName =
  | StepName
  | "start-delivery"
  | "answer-approval"
  | "sweep-deliveries"
  | "publish-events"
  | "notify"
  | "report-source"
  | "show-console"
  | "watch-models";

/** The environment variables of each function of the tooling account; `predict` runs in stage and prod. */
export const toolingFunctions = {
  "claim-environment": ClaimEnvironment,
  "scan-image": ScanImage,
  "register-model": RegisterModel,
  "deploy-model": DeployModel,
  "verify-model": VerifyModel,
  "request-approval": RequestApproval,
  "shift-traffic": ShiftTraffic,
  "judge-canary": JudgeCanary,
  "promote-model": PromoteModel,
  "move-champion": MoveChampion,
  "report-outcome": ReportOutcome,
  "roll-back": RollBack,
  "start-delivery": StartDelivery,
  "answer-approval": AnswerApproval,
  "sweep-deliveries": SweepDeliveries,
  "publish-events": PublishEvents,
  notify: Notify,
  "report-source": ReportSource,
  "show-console": ShowConsole,
  "watch-models": WatchModels,
} as const satisfies Record<ToolingFunctionName, z.ZodObject>;
