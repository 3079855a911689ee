import { assertApprovable } from "#domain/approval/assert-approvable.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { ClaimInput } from "#statemachine/contracts.ts";
import { createAwsApprovals } from "#worlds/aws/approvals.ts";
import { createApproverResolver } from "#worlds/aws/approver-resolver.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createRuleSources } from "#worlds/aws/rule-sources.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { claimEnvironment } from "./claim-environment.ts";
import { Env } from "./env.ts";

const world = openCapabilities(readEnv(Env));
const rules = createRuleSources(world);
const approversFor = createApproverResolver({ ...world, ...rules });
const records = { claims: createClaims(world), approvals: createAwsApprovals(world) };
const needs = { ...world, ...rules, ...records, messages: createSlackMessages(world) };
const step = claimEnvironment({ ...needs, assertApprovable: assertApprovable({ ...rules, approversFor }) });

export const handler = createStepHandler("claim-environment", ClaimInput, step);
