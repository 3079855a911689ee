import { findRejection } from "#domain/approval/find-rejection.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { AnyApprovalInput } from "#statemachine/canary-contracts.ts";
import { createAwsApprovals } from "#worlds/aws/approvals.ts";
import { createApproverResolver } from "#worlds/aws/approver-resolver.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createRuleSources } from "#worlds/aws/rule-sources.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { requestApproval } from "./request-approval.ts";

const world = openCapabilities(readEnv(Env));
const rules = createRuleSources(world);
const approversFor = createApproverResolver({ ...world, ...rules });
const approvals = createAwsApprovals(world);
const records = { claims: createClaims(world), approvals, findRejection: findRejection(world) };
const messages = createSlackMessages(world);
const trial = world.env.SLIPWAY_TRIAL === "true";

export const handler = createStepHandler(
  "request-approval",
  AnyApprovalInput,
  requestApproval({ ...world, ...rules, ...records, messages, approversFor, trial }),
);
