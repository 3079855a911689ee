import { createClaims } from "#domain/claims/claims.ts";
import { Subject } from "#statemachine/contracts.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { countVerdicts } from "#worlds/aws/count-verdicts.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createImages } from "#worlds/aws/images.ts";
import { createRuleSources } from "#worlds/aws/rule-sources.ts";
import { createStageServing } from "#worlds/aws/serving.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { verifyModel } from "./verify-model.ts";

const world = openCapabilities(readEnv(Env));
const rules = createRuleSources(world);
const needs = { ...world, ...rules, claims: createClaims(world), images: createImages(world) };
const serving = createStageServing(world);
const counted = countVerdicts("GateVerdicts", world.env);
const verify = (event: unknown) =>
  verifyModel({ ...needs, serving: serving(Subject.parse(event).delivery) })(event);

export const handler = createStepHandler("verify-model", verify, { environment: "stage", counted });
