import { createHash } from "node:crypto";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createPolicyWriter } from "#domain/policy/policy-writer.ts";
import type { Blobs } from "#platform/blobs/blobs.ts";
import { createFileBlobs } from "#platform/blobs/files.ts";
import { createKeyFileCipher } from "#platform/cipher/key-file.ts";
import { createDatabaseDamagedError } from "#platform/errors/data-folder-unusable.ts";
import { createSqliteEvents } from "#platform/events/sqlite.ts";
import { createSqliteMetrics } from "#platform/metrics/sqlite.ts";
import type { Registry } from "#platform/registry/registry.ts";
import { createSqliteRegistry } from "#platform/registry/sqlite.ts";
import { createEnvironmentSecrets } from "#platform/secrets/environment.ts";
import { createKeyFileSigner } from "#platform/signer/key-file.ts";
import { createGitSource } from "#platform/source/git.ts";
import { type Database, openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import type { DataFolder } from "./data/data-folder.ts";

/** Secrets that a data folder generates, unless the environment sets them. */
const generatedSecrets = ["SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "CONTROL_TOKEN", "RECORDS_HASH_KEY"];

export type Log = (message: string, error?: unknown) => void;

export type CapabilitiesOptions = {
  readonly folder: DataFolder;
  /** URL of the rehearsal's desk and engine, without a trailing slash. */
  readonly url: string;
  /** URL of its models, which is another origin. */
  readonly modelsUrl: string;
  readonly clock: () => number;
  /** Milliseconds of each bake; undefined: the manifest's. */
  readonly bakeMs?: number | undefined;
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Opens another registry. Default: the data folder's database. */
  readonly registry?: OpenRegistry | undefined;
};

/** Opens a registry for a data folder. */
export type OpenRegistry = (needs: {
  readonly database: Database;
  readonly blobs: Blobs;
  readonly clock: () => number;
}) => Registry;

/** Opens the capabilities that need only the data folder. */
export const openCapabilities = async ({
  folder,
  url,
  modelsUrl,
  clock,
  bakeMs,
  log,
  env,
  registry = createSqliteRegistry,
}: CapabilitiesOptions) => {
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
    folder,
    url,
    modelsUrl,
    clock,
    bakeMs,
    log,
    database,
    secrets,
    blobs,
    blobsWritten: () => blobsWritten,
    /** Counts bytes that another thread wrote. */
    countBlob,
    store,
    // On one machine nobody can prove to be a second person.
    policy: createPlatformPolicy({ store, confirmation: "alone-if-said" }),
    policyChanges: createPolicyWriter({ store, clock, confirmation: "alone-if-said" }),
    records: {
      place: { store, blobs },
      hashKey: createHash("sha256").update(hashSecret).digest("base64"),
    },
    registry: registry({ database, blobs, clock }),
    events: createSqliteEvents({ database }),
    metrics: createSqliteMetrics({
      database,
      clock,
      onError: (error) => log("metrics are not written yet, because the disk refuses them", error),
    }),
    cipher: createKeyFileCipher({ file: folder.cipherKey }),
    signer: createKeyFileSigner({ file: folder.signerKey }),
    source: createGitSource({ repository: folder.repository }),
  };
};
export type Capabilities = Awaited<ReturnType<typeof openCapabilities>>;
