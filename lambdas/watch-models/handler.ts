import { createLedger } from "#domain/ledger/ledger.ts";
import { createDeliveryMetrics } from "#worlds/aws/delivery-metrics.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { warn } from "#worlds/aws/log-warning.ts";
import { createProdMetrics } from "#worlds/aws/prod-metrics.ts";
import { createServing } from "#worlds/aws/serving.ts";
import { createFunctionHandler } from "#worlds/aws/step-handler.ts";
import { createStore } from "#worlds/aws/store.ts";
import { Env } from "./env.ts";
import { watchModels } from "./watch-models.ts";

const world = { env: readEnv(Env), clock: Date.now };
const ledger = createLedger({ store: createStore(world) });
const serving = createServing(world)("watch-models");
const traffic = createProdMetrics(world)("watch-models");
const needs = { ...world, ledger, serving, traffic, metrics: createDeliveryMetrics(world), warn };

export const handler = createFunctionHandler("watch-models", watchModels(needs));
