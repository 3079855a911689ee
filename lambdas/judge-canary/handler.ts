import { createApprovalReader } from "#domain/approval/approval-records.ts";
import { createCanaries } from "#domain/canary/canaries.ts";
import { AnyCanaryInput } from "#statemachine/canary-contracts.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { countVerdicts } from "#worlds/aws/count-verdicts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createProdMetrics } from "#worlds/aws/prod-metrics.ts";
import { createRuleSources } from "#worlds/aws/rule-sources.ts";
import { createProdServing } from "#worlds/aws/serving.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { judgeCanary } from "./judge-canary.ts";

const world = openCapabilities(readEnv(Env));
const rules = createRuleSources(world);
const records = { approvals: createApprovalReader(world), canaries: createCanaries(world) };
const needs = { ...world, ...rules, ...records, messages: createSlackMessages(world) };
const metrics = createProdMetrics(world);
const serving = createProdServing(world);
const options = { environment: "prod", counted: countVerdicts("CanaryVerdicts", world.env) } as const;
const judge = (input: AnyCanaryInput) =>
  judgeCanary({ ...needs, serving: serving(input.delivery), metrics: metrics(input.delivery) })(input);

export const handler = createStepHandler("judge-canary", AnyCanaryInput, judge, options);
