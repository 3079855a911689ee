import { createCanaries } from "#domain/canary/canaries.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { RollBackInput } from "#statemachine/contracts.ts";
import { createAwsApprovals } from "#worlds/aws/approvals.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { warn } from "#worlds/aws/log-warning.ts";
import { createAwsProvenanceStore } from "#worlds/aws/provenance-store.ts";
import { createRegistry } from "#worlds/aws/registry.ts";
import { createRuleSources } from "#worlds/aws/rule-sources.ts";
import { createServing } from "#worlds/aws/serving.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { rollBack } from "./roll-back.ts";

const world = openCapabilities(readEnv(Env));
const rules = createRuleSources(world);
const canaries = createCanaries(world);
const records = { claims: createClaims(world), approvals: createAwsApprovals(world), canaries };
const artefacts = { registry: createRegistry(world), provenance: createAwsProvenanceStore(world) };
const needs = { ...world, ...rules, ...records, ...artefacts, warn };
const serving = createServing(world);

export const handler = createStepHandler("roll-back", RollBackInput, (input: RollBackInput) =>
  rollBack({ ...needs, serving: serving(input.delivery) })(input),
);
