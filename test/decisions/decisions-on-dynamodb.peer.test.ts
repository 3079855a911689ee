import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { createTable } from "#test/peers/create-table.ts";
import { motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { listSeeds } from "./decision-runs.ts";
import { runDecisionStory } from "./run-decision-story.ts";

const { skip } = requirePython("decisions on DynamoDB");

test.skipIf(skip)(
  "clicks, retries, kills and sweeps in any order lead to exactly one decision, on DynamoDB",
  async () => {
    const moto = await startMoto();
    const client = new DynamoDBClient(motoClientConfig(moto.endpoint));
    try {
      for (const seed of listSeeds(20)) {
        const table = `decisions-${seed}`;
        await createTable(client, table);
        const store = createDynamoDbStore({ client, table, clock: () => 1_000_000_000 });
        const { wrong, log } = await runDecisionStory(seed, store);
        expect(wrong, `SLIPWAY_SEED=${seed}\n${log.join("\n")}`).toEqual([]);
      }
    } finally {
      client.destroy();
      await moto.stop();
    }
  },
);
