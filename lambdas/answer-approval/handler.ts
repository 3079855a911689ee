import { FollowUp, finishApproval } from "#domain/approval/finish-approval.ts";
import { createGroupReader } from "#domain/approval/group-reader.ts";
import { createCanaries } from "#domain/canary/canaries.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { readRotatedSecret } from "#platform/secrets/read-rotated-secret.ts";
import { createAwsApprovals } from "#worlds/aws/approvals.ts";
import { createAwsAudit } from "#worlds/aws/audit.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { createDeliveryMetrics } from "#worlds/aws/delivery-metrics.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createHttpHandler } from "#worlds/aws/http-handler.ts";
import { warn } from "#worlds/aws/log-warning.ts";
import { routeEvent } from "#worlds/aws/route-event.ts";
import { createSelfInvocation } from "#worlds/aws/self-invocation.ts";
import { createSlack } from "#worlds/aws/slack.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createFunctionHandler } from "#worlds/aws/step-handler.ts";
import { answerApproval } from "./answer-approval.ts";
import { Env } from "./env.ts";

const env = readEnv(Env);
const world = openCapabilities(env);
const audit = createAwsAudit(world);
const records = {
  approvals: createAwsApprovals(world),
  outcomes: createOutcomes(world),
  audit,
  canaries: createCanaries(world),
  ledger: createLedger(world),
};
const slack = createSlack(world);
const readGroups = createGroupReader({ slack, clock: world.clock });
const channel = { slack, readGroups, messages: createSlackMessages(world) };
const signingSecrets = readRotatedSecret(world.secrets, "SLACK_SIGNING_SECRET");
const app = { teamId: env.SLACK_TEAM_ID, appId: env.SLACK_APP_ID, signingSecrets };
const needs = { ...world, ...records, ...channel, metrics: createDeliveryMetrics(world), warn };
const startFollowUp = createSelfInvocation().start;
const http = createHttpHandler(answerApproval({ ...needs, ...app, startFollowUp }));
const route = routeEvent({ own: FollowUp, run: finishApproval(needs), http });

export const handler = createFunctionHandler("answer-approval", route);
