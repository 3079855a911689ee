import { createClaims } from "#domain/claims/claims.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createDeliveryMetrics } from "#worlds/aws/delivery-metrics.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { warn } from "#worlds/aws/log-warning.ts";
import { createProdMetrics } from "#worlds/aws/prod-metrics.ts";
import { createFunctionHandler } from "#worlds/aws/step-handler.ts";
import { createStore } from "#worlds/aws/store.ts";
import { createVersionUpkeep } from "#worlds/aws/version-upkeep.ts";
import { Env } from "./env.ts";
import { watchModels } from "./watch-models.ts";

const world = { env: readEnv(Env), clock: Date.now };
const store = createStore(world);
const records = { ledger: createLedger({ store }), claims: createClaims({ store }) };
const upkeep = createVersionUpkeep(world, "watch-models");
const traffic = createProdMetrics(world)("watch-models");
const needs = { ...world, ...records, upkeep, traffic, metrics: createDeliveryMetrics(world), warn };

export const handler = createFunctionHandler("watch-models", watchModels(needs));
