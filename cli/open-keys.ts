import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { type ApiKeyStore, createApiKeyStore } from "#api-keys/api-key-store.ts";
import { toDataFolderError } from "#platform/errors/data-folder-unusable.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import type { Store } from "#platform/store/store.ts";
import { readMachineAccount } from "#worlds/embedded/operator/machine-identity.ts";
import { UsageMistake } from "./errors.ts";
import { selectDataFolder } from "./folders.ts";
import { showProgress } from "./progress.ts";

type KeysContext = {
  readonly keys: ApiKeyStore;
  readonly store: Store;
  readonly clock: () => number;
  /** Who runs the command: on AWS the caller's ARN, otherwise the account on this machine. */
  readonly caller: () => Promise<string>;
};

export type KeysLocation = {
  /** The data folder; absent: the default one. */
  readonly data?: string | undefined;
  /** An environment's table in DynamoDB, instead of a data folder. */
  readonly table?: string | undefined;
};

const clock = Date.now;
const createKeysContext = (store: Store, caller: KeysContext["caller"]): KeysContext => ({
  keys: createApiKeyStore({ store, random: randomBytes, clock }),
  store,
  clock,
  caller,
});

const withTable = async <T>(table: string, work: (context: KeysContext) => Promise<T>): Promise<T> => {
  showProgress("Reading from AWS");
  // Loaded only here, because a rehearsal needs no AWS client.
  const [{ DynamoDBClient }, { STSClient }, { createDynamoDbStore }, { identifyAwsCaller }] =
    await Promise.all([
      import("@aws-sdk/client-dynamodb"),
      import("@aws-sdk/client-sts"),
      import("#platform/store/dynamodb.ts"),
      import("./identify-aws-caller.ts"),
    ]);
  const client = new DynamoDBClient({});
  const sts = new STSClient({});
  const caller = async () => (await identifyAwsCaller({ sts })()).name;
  try {
    return await work(createKeysContext(createDynamoDbStore({ client, table, clock }), caller));
  } finally {
    client.destroy();
    sts.destroy();
  }
};

/**
 * Runs `work` on the API keys of a data folder or a table. It opens nothing but the store, so it is fast, and works with
 * and without a running rehearsal.
 * @param make true: creates a missing data folder; false: throws UsageMistake
 */
export const withKeys = async <T>(
  { data, table }: KeysLocation,
  { make }: { readonly make: boolean },
  work: (context: KeysContext) => Promise<T>,
): Promise<T> => {
  if (table !== undefined) return withTable(table, work);
  const folder = selectDataFolder(data);
  if (!make && !existsSync(folder.database))
    throw new UsageMistake(
      `${folder.root} holds no keys: create one with \`slipway keys create\`, or choose another folder with --data.`,
    );
  try {
    mkdirSync(folder.root, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw toDataFolderError(folder.root, error);
  }
  const database = openDatabase(folder.database);
  try {
    return await work(
      createKeysContext(createSqliteStore({ database, clock }), async () => readMachineAccount().username),
    );
  } finally {
    database.close();
  }
};
