import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECRClient } from "@aws-sdk/client-ecr";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createEcrRepository } from "#platform/images/ecr.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { createRegistry } from "#worlds/aws/registry.ts";
import { createStepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { moveChampion } from "./move-champion.ts";

const env = readEnv(Env);
const clock = Date.now;
const store = createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const registry = createRegistry(env, clock);
const images = createEcrRepository({ ecr: new ECRClient({}), repository: env.IMAGE_REPOSITORY });

export const handler = createStepHandler(
  "move-champion",
  moveChampion({ registry, images, ledger: createLedger({ store }) }),
);
