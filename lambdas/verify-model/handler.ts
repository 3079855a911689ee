import { createClaims } from "#domain/claims/claims.ts";
import { VerifyModelInput } from "#statemachine/contracts.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { countVerdicts } from "#worlds/aws/count-verdicts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createImages } from "#worlds/aws/images.ts";
import { createProdMetrics } from "#worlds/aws/prod-metrics.ts";
import { createRuleSources } from "#worlds/aws/rule-sources.ts";
import { createStageServing } from "#worlds/aws/serving.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { verifyModel } from "./verify-model.ts";

const world = openCapabilities(readEnv(Env));
const rules = createRuleSources(world);
const needs = { ...world, ...rules, claims: createClaims(world), images: createImages(world) };
const serving = createStageServing(world);
const metrics = createProdMetrics(world);
const counted = countVerdicts("GateVerdicts", world.env);
const verify = (input: VerifyModelInput) =>
  verifyModel({ ...needs, serving: serving(input.delivery), metrics: metrics(input.delivery) })(input);

export const handler = createStepHandler("verify-model", VerifyModelInput, verify, {
  environment: "stage",
  counted,
});
