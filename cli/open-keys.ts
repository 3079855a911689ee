import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { type ApiKeys, apiKeys } from "#api-keys/api-keys.ts";
import { asDataFolderError } from "#platform/store/data-folder-unusable.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { sqliteStore } from "#platform/store/sqlite.ts";
import type { Store } from "#platform/store/store.ts";
import { UsageMistake } from "./exit-code.ts";
import { folderOf } from "./folders.ts";

export type OpenKeys = { readonly keys: ApiKeys; readonly store: Store; readonly clock: () => number };

export type Place = {
  /** The data folder; absent: the default one. */
  readonly data?: string | undefined;
  /** An environment's table in DynamoDB, instead of a data folder. */
  readonly table?: string | undefined;
};

const clock = Date.now;
const keysOn = (store: Store): OpenKeys => ({
  keys: apiKeys({ store, random: randomBytes, clock }),
  store,
  clock,
});

const withTable = async <T>(table: string, work: (opened: OpenKeys) => Promise<T>): Promise<T> => {
  // Loaded only here: whoever rehearses needs no client of AWS.
  const [{ DynamoDBClient }, { dynamodbStore }] = await Promise.all([
    import("@aws-sdk/client-dynamodb"),
    import("#platform/store/dynamodb.ts"),
  ]);
  const client = new DynamoDBClient({});
  try {
    return await work(keysOn(dynamodbStore({ client, table, clock })));
  } finally {
    client.destroy();
  }
};

/**
 * Runs `work` on the API keys of a data folder or a table: of a world they need the store alone, and so they open at
 * once, beside a rehearsal that runs or without any.
 * @param make makes the data folder where it is missing; otherwise that is a UsageMistake
 */
export const withKeys = async <T>(
  { data, table }: Place,
  { make }: { readonly make: boolean },
  work: (opened: OpenKeys) => Promise<T>,
): Promise<T> => {
  if (table !== undefined) return withTable(table, work);
  const folder = folderOf(data);
  if (!make && !existsSync(folder.database))
    throw new UsageMistake(
      `${folder.root} holds no keys: make one with \`slipway keys create\`, or name another folder with --data.`,
    );
  try {
    mkdirSync(folder.root, { recursive: true, mode: 0o700 });
  } catch (fault) {
    throw asDataFolderError(folder.root, fault);
  }
  const database = openDatabase(folder.database);
  try {
    return await work(keysOn(sqliteStore({ database, clock })));
  } finally {
    database.close();
  }
};
