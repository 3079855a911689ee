import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECRClient } from "@aws-sdk/client-ecr";
import { ledger } from "#domain/ledger/ledger.ts";
import { ecrRepository } from "#platform/images/ecr.ts";
import { dynamodbStore } from "#platform/store/dynamodb.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { registryOf } from "#worlds/aws/registry-of.ts";
import { stepHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { moveChampion } from "./move-champion.ts";

const env = readEnv(Env);
const clock = Date.now;
const store = dynamodbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
const registry = registryOf(env, clock);
const images = ecrRepository({ ecr: new ECRClient({}), repository: env.IMAGE_REPOSITORY });

export const handler = stepHandler(
  "move-champion",
  moveChampion({ registry, images, ledger: ledger({ store }) }),
);
