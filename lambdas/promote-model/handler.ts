import { createApprovalReader } from "#domain/approval/approval-records.ts";
import { createCanaries } from "#domain/canary/canaries.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { PromoteModelInput } from "#statemachine/contracts.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createRuleSources } from "#worlds/aws/rule-sources.ts";
import { createProdServing } from "#worlds/aws/serving.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { promoteModel } from "./promote-model.ts";

const world = openCapabilities(readEnv(Env));
const records = { ledger: createLedger(world), claims: createClaims(world), canaries: createCanaries(world) };
const approvals = createApprovalReader(world);
const messages = createSlackMessages(world);
const needs = { ...world, ...createRuleSources(world), ...records, approvals, messages };
const serving = createProdServing(world);
const promote = (input: PromoteModelInput) =>
  promoteModel({ ...needs, serving: serving(input.delivery) })(input);

export const handler = createStepHandler("promote-model", PromoteModelInput, promote, {
  environment: "prod",
});
