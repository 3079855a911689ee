import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createPolicyWriter } from "#domain/policy/policy-writer.ts";
import type { Blobs } from "#platform/blobs/blobs.ts";
import { createKeyFileCipher } from "#platform/cipher/key-file.ts";
import { createSqliteEvents } from "#platform/events/sqlite.ts";
import { createSqliteMetrics } from "#platform/metrics/sqlite.ts";
import type { Registry } from "#platform/registry/registry.ts";
import { createSqliteRegistry } from "#platform/registry/sqlite.ts";
import { createKeyFileSigner } from "#platform/signer/key-file.ts";
import { createGitSource } from "#platform/source/git.ts";
import type { Database } from "#platform/store/open-database.ts";
import type { DataFolder } from "./data/data-folder.ts";
import { openStorage } from "./data/open-storage.ts";

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
  const { database, secrets, blobs, blobsWritten, countBlob, store, records } = await openStorage({
    folder,
    clock,
    env,
  });
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
    blobsWritten,
    /** Counts bytes that another thread wrote. */
    countBlob,
    store,
    // On one machine nobody can prove to be a second person.
    policy: createPlatformPolicy({ store, confirmation: "alone-if-said" }),
    policyChanges: createPolicyWriter({ store, clock, confirmation: "alone-if-said" }),
    records,
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
