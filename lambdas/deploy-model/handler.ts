import { createApprovalReader } from "#domain/approval/approval-records.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { DeployModelInput } from "#statemachine/contracts.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createAwsProvenanceStore } from "#worlds/aws/provenance-store.ts";
import { createRuleSources } from "#worlds/aws/rule-sources.ts";
import { createServing } from "#worlds/aws/serving.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { deployModel } from "./deploy-model.ts";
import { Env } from "./env.ts";

const world = openCapabilities(readEnv(Env));
const rules = createRuleSources(world);
const records = { claims: createClaims(world), approvals: createApprovalReader(world) };
const needs = { ...world, ...rules, ...records, provenance: createAwsProvenanceStore(world) };
const serving = createServing(world);

export const handler = createStepHandler("deploy-model", DeployModelInput, (input: DeployModelInput) =>
  deployModel({ ...needs, serving: serving(input.delivery) })(input),
);
