import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { type ApiKeys, apiKeys } from "../domain/api-keys.ts";
import { openDatabase } from "../platform/store/open-database.ts";
import { sqliteStore } from "../platform/store/sqlite.ts";
import type { Store } from "../platform/store/store.ts";
import { UsageMistake } from "./exit-code.ts";
import { folderOf } from "./open-world.ts";

export type OpenKeys = { readonly keys: ApiKeys; readonly store: Store; readonly clock: () => number };

/**
 * Runs `work` on a data folder's API keys: of the world they need the store alone, and so they open at once, beside a
 * rehearsal that runs or without any.
 * @param make makes the folder where it is missing; otherwise that is a UsageMistake
 */
export const withKeys = async <T>(
  data: string | undefined,
  { make }: { readonly make: boolean },
  work: (opened: OpenKeys) => Promise<T>,
): Promise<T> => {
  const folder = folderOf(data);
  if (!make && !existsSync(folder.database))
    throw new UsageMistake(
      `${folder.root} holds no keys: make one with \`slipway keys create\`, or name another folder with --data.`,
    );
  mkdirSync(folder.root, { recursive: true, mode: 0o700 });
  const database = openDatabase(folder.database);
  const clock = Date.now;
  const store = sqliteStore({ database, clock });
  try {
    return await work({ keys: apiKeys({ store, random: randomBytes, clock }), store, clock });
  } finally {
    database.close();
  }
};
