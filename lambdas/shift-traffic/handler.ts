import { createApprovalReader } from "#domain/approval/approval-records.ts";
import { createCanaries } from "#domain/canary/canaries.ts";
import { ShiftTrafficInput } from "#statemachine/contracts.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createRuleSources } from "#worlds/aws/rule-sources.ts";
import { createProdServing } from "#worlds/aws/serving.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { shiftTraffic } from "./shift-traffic.ts";

const world = openCapabilities(readEnv(Env));
const rules = createRuleSources(world);
const records = { approvals: createApprovalReader(world), canaries: createCanaries(world) };
const needs = { ...world, ...rules, ...records, messages: createSlackMessages(world) };
const serving = createProdServing(world);
const shift = (input: ShiftTrafficInput) =>
  shiftTraffic({ ...needs, serving: serving(input.delivery) })(input);

export const handler = createStepHandler("shift-traffic", ShiftTrafficInput, shift, { environment: "prod" });
