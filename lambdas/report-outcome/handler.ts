import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { ReportOutcomeInput } from "#statemachine/contracts.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { createDeliveryMetrics } from "#worlds/aws/delivery-metrics.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { reportOutcome } from "./report-outcome.ts";

const world = openCapabilities(readEnv(Env));
const records = { outcomes: createOutcomes(world), claims: createClaims(world) };
const reports = { messages: createSlackMessages(world), metrics: createDeliveryMetrics(world) };

export const handler = createStepHandler(
  "report-outcome",
  ReportOutcomeInput,
  reportOutcome({ ...world, ...records, ...reports }),
);
