import { createHash } from "node:crypto";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { createFileBlobs } from "#platform/blobs/files.ts";
import { createDatabaseDamagedError } from "#platform/errors/data-folder-unusable.ts";
import { createEnvironmentSecrets } from "#platform/secrets/environment.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import type { DataFolder } from "./data-folder.ts";

/** Secrets that a data folder generates, unless the environment sets them. */
const generatedSecrets = ["SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "CONTROL_TOKEN", "RECORDS_HASH_KEY"];

type Options = {
  readonly folder: DataFolder;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Opens what a data folder stores: database, blobs, secrets, and where prediction records go. Throws DataFolderUnusable. */
export const openStorage = async ({ folder, clock, env }: Options) => {
  mkdirSync(folder.root, { recursive: true, mode: 0o700 });
  // The secrets are generated after the first tables, so an empty database next to them has lost its data.
  if (statSync(folder.database, { throwIfNoEntry: false })?.size === 0 && existsSync(folder.secrets))
    throw createDatabaseDamagedError(folder.database, "it is empty");
  const database = openDatabase(folder.database);
  const secrets = createEnvironmentSecrets({
    env,
    file: { path: folder.secrets, generate: generatedSecrets },
  });
  let blobsWritten = 0;
  const countBlob = (bytes: number): void => {
    blobsWritten += bytes;
  };
  const blobs = createFileBlobs({ folder: folder.blobs, onWrite: countBlob });
  const hashSecret = await secrets.read("RECORDS_HASH_KEY");
  const store = createSqliteStore({ database, clock });
  return {
    database,
    secrets,
    blobs,
    blobsWritten: () => blobsWritten,
    /** Counts bytes that another thread wrote. */
    countBlob,
    store,
    records: {
      place: { store, blobs },
      hashKey: createHash("sha256").update(hashSecret).digest("base64"),
    },
  };
};
