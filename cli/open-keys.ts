import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { type ApiKeyStore, createApiKeyStore } from "#api-keys/api-key-store.ts";
import { toDataFolderError } from "#platform/store/data-folder-unusable.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import type { Store } from "#platform/store/store.ts";
import { UsageMistake } from "./errors.ts";
import { selectDataFolder } from "./folders.ts";

export type KeysContext = { readonly keys: ApiKeyStore; readonly store: Store; readonly clock: () => number };

export type KeysLocation = {
  /** The data folder; absent: the default one. */
  readonly data?: string | undefined;
  /** An environment's table in DynamoDB, instead of a data folder. */
  readonly table?: string | undefined;
};

const clock = Date.now;
const createKeysContext = (store: Store): KeysContext => ({
  keys: createApiKeyStore({ store, random: randomBytes, clock }),
  store,
  clock,
});

const withTable = async <T>(table: string, work: (opened: KeysContext) => Promise<T>): Promise<T> => {
  // Loaded only here: whoever rehearses needs no client of AWS.
  const [{ DynamoDBClient }, { createDynamoDbStore }] = await Promise.all([
    import("@aws-sdk/client-dynamodb"),
    import("#platform/store/dynamodb.ts"),
  ]);
  const client = new DynamoDBClient({});
  try {
    return await work(createKeysContext(createDynamoDbStore({ client, table, clock })));
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
  { data, table }: KeysLocation,
  { make }: { readonly make: boolean },
  work: (opened: KeysContext) => Promise<T>,
): Promise<T> => {
  if (table !== undefined) return withTable(table, work);
  const folder = selectDataFolder(data);
  if (!make && !existsSync(folder.database))
    throw new UsageMistake(
      `${folder.root} holds no keys: make one with \`slipway keys create\`, or name another folder with --data.`,
    );
  try {
    mkdirSync(folder.root, { recursive: true, mode: 0o700 });
  } catch (fault) {
    throw toDataFolderError(folder.root, fault);
  }
  const database = openDatabase(folder.database);
  try {
    return await work(createKeysContext(createSqliteStore({ database, clock })));
  } finally {
    database.close();
  }
};
