import { createCanaries } from "#domain/canary/canaries.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";
import { reportOutcome } from "#lambdas/report-outcome/report-outcome.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { createAwsApprovals } from "#worlds/aws/approvals.ts";
import { createAwsAudit } from "#worlds/aws/audit.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { createDeliveries } from "#worlds/aws/deliveries.ts";
import { createDeliveryMetrics } from "#worlds/aws/delivery-metrics.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createImages } from "#worlds/aws/images.ts";
import { warn } from "#worlds/aws/log-warning.ts";
import { openSlack } from "#worlds/aws/open-slack.ts";
import { createAwsProvenanceStore } from "#worlds/aws/provenance-store.ts";
import { createRegistry } from "#worlds/aws/registry.ts";
import { createRuleSources } from "#worlds/aws/rule-sources.ts";
import { createServing } from "#worlds/aws/serving.ts";
import { createSlackMessages } from "#worlds/aws/slack-messages.ts";
import { createFunctionHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { sweepDeliveries } from "./sweep-deliveries.ts";

const world = openCapabilities(readEnv(Env));
const rules = createRuleSources(world);
const records = { claims: createClaims(world), outcomes: createOutcomes(world), images: createImages(world) };
const artefacts = { registry: createRegistry(world), provenance: createAwsProvenanceStore(world) };
const questions = { approvals: createAwsApprovals(world), ...openSlack(world) };
const audit = createAwsAudit({ ...world, ...artefacts });
const canaries = createCanaries(world);
const reports = { messages: createSlackMessages(world), metrics: createDeliveryMetrics(world), audit, warn };
const platform = { deliveries: createDeliveries(world), serving: createServing(world)("sweep-deliveries") };
const needs = {
  ...world,
  ...rules,
  ...records,
  ...artefacts,
  ...reports,
  ...platform,
  ...questions,
  canaries,
};
const steps = { rollBack: rollBack(needs), reportOutcome: reportOutcome(needs) };
const sweep = sweepDeliveries({ ...needs, ...steps, moveChampion: moveChampion(needs) });

export const handler = createFunctionHandler("sweep-deliveries", sweep, { each: (all) => all.deliveries });
