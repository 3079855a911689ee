import { DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { createTable } from "#test/peers/create-table.ts";
import { motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { runDecisionStory } from "./run-decision-story.ts";

export const storyStores = ["sqlite", "dynamodb"] as const;
export type StoryStore = (typeof storyStores)[number];

type StoryRunner = {
  readonly run: (seed: number) => ReturnType<typeof runDecisionStory>;
  readonly stop: () => Promise<void>;
};

/**
 * Runs stories on a store, several at once if the caller does not wait. On DynamoDB (a moto of its own) each story has a
 * table, which is deleted afterwards: a sweep reads every approval of its table, and moto copies a table at each transaction.
 */
export const startStoryRunner = async (store: StoryStore): Promise<StoryRunner> => {
  if (store === "sqlite") return { run: (seed) => runDecisionStory(seed), stop: async () => undefined };
  const moto = await startMoto();
  const client = new DynamoDBClient(motoClientConfig(moto.endpoint));
  return {
    run: async (seed) => {
      const table = `decisions-${seed}`;
      await createTable(client, table);
      const result = await runDecisionStory(
        seed,
        createDynamoDbStore({ client, table, clock: () => 1_000_000_000 }),
      );
      await client.send(new DeleteTableCommand({ TableName: table }));
      return result;
    },
    stop: async () => {
      client.destroy();
      await moto.stop();
    },
  };
};
