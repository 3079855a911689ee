import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { apiKeys } from "#api-keys/api-keys.ts";
import { approvals } from "#domain/approval/approvals.ts";
import { approversFor } from "#domain/approval/approvers-for.ts";
import { assertApprovable } from "#domain/approval/assert-approvable.ts";
import { pushes } from "#domain/approval/pushes.ts";
import { claims } from "#domain/claims/claims.ts";
import { outcomes } from "#domain/delivery/outcomes.ts";
import { ledger } from "#domain/ledger/ledger.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { messages } from "#domain/message/messages.ts";
import { changePolicy } from "#domain/policy/change-policy.ts";
import { platformPolicy } from "#domain/policy/platform-policy.ts";
import { provenance } from "#domain/provenance/provenance.ts";
import { builderDigest } from "#packaging/builder-archive.ts";
import type { Blobs } from "#platform/blobs/blobs.ts";
import { fileBlobs } from "#platform/blobs/files.ts";
import type { Cipher } from "#platform/cipher/cipher.ts";
import { keyFileCipher } from "#platform/cipher/key-file.ts";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import type { Images } from "#platform/images/images.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import { sqliteMetrics } from "#platform/metrics/sqlite.ts";
import type { Registry } from "#platform/registry/registry.ts";
import { sqliteRegistry } from "#platform/registry/sqlite.ts";
import { environmentSecrets } from "#platform/secrets/environment.ts";
import { type BytesServing, embeddedServing } from "#platform/serving/embedded.ts";
import type { Functions } from "#platform/serving/functions.ts";
import type { Environment } from "#platform/serving/serving.ts";
import { keyFileSigner } from "#platform/signer/key-file.ts";
import type { Signer } from "#platform/signer/signer.ts";
import { gitSource } from "#platform/source/git.ts";
import type { CommitHistory, Source } from "#platform/source/source.ts";
import { databaseDamaged } from "#platform/store/data-folder-unusable.ts";
import { type Database, openDatabase } from "#platform/store/open-database.ts";
import { sqliteStore } from "#platform/store/sqlite.ts";
import type { Store } from "#platform/store/store.ts";
import { messageBlocks } from "#slack/message-blocks.ts";
import { type SlackApi, slackChannel } from "#slack/slack-channel.ts";
import type { DataFolder } from "./data/data-folder.ts";
import { slackWorkspace } from "./desk/slack-workspace.ts";

/** Secrets that a data folder makes for itself where the environment does not give them. */
const generated = [
  "SLACK_SIGNING_SECRET",
  "SLACK_BOT_TOKEN",
  "CONTROL_TOKEN",
  "BLOB_KEY",
  "RECORDS_HASH_KEY",
];

export type Log = (sentence: string, fault?: unknown) => void;

export type WorldNeeds = {
  readonly folder: DataFolder;
  /** Where the rehearsal's desk and engine answer, without a slash at the end. */
  readonly url: string;
  /** Where its models answer: an origin of its own. */
  readonly modelsUrl: string;
  readonly clock: () => number;
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Another registry than the data folder's own. */
  readonly registry?: OpenRegistry | undefined;
};

/** Opens a registry beside the rest of a data folder. */
export type OpenRegistry = (parts: {
  readonly database: Database;
  readonly blobs: Blobs;
  readonly clock: () => number;
}) => Registry;

/** The small capabilities, which need nothing but the data folder. */
export const openCapabilities = async ({
  folder,
  url,
  modelsUrl,
  clock,
  log,
  env,
  registry = sqliteRegistry,
}: WorldNeeds) => {
  mkdirSync(folder.root, { recursive: true, mode: 0o700 });
  // The secrets are made behind the first tables: an empty file beside them has lost what it held.
  if (statSync(folder.database, { throwIfNoEntry: false })?.size === 0 && existsSync(folder.secrets))
    throw databaseDamaged(folder.database, "it is empty");
  const database = openDatabase(folder.database);
  const secrets = environmentSecrets({ env, file: { path: folder.secrets, generate: generated } });
  const blobKey = new TextEncoder().encode(await secrets.read("BLOB_KEY"));
  let blobsWritten = 0;
  const countBlob = (bytes: number): void => {
    blobsWritten += bytes;
  };
  const blobs = fileBlobs({
    ...{ folder: folder.blobs, baseUrl: url, key: blobKey },
    written: countBlob,
  });
  const hashSecret = await secrets.read("RECORDS_HASH_KEY");
  const store = sqliteStore({ database, clock });
  return {
    folder,
    url,
    modelsUrl,
    clock,
    log,
    database,
    secrets,
    blobKey,
    blobs,
    blobsWritten: () => blobsWritten,
    /** Counts what another thread wrote. */
    countBlob,
    store,
    // One machine has one person, so that nobody on it can prove to be a second one.
    policy: platformPolicy({ store, confirmation: "alone-if-said" }),
    policyChanges: changePolicy({ store, clock, confirmation: "alone-if-said" }),
    records: {
      place: { store, blobs },
      hashKey: createHash("sha256").update(hashSecret).digest("base64"),
    },
    registry: registry({ database, blobs, clock }),
    metrics: sqliteMetrics({ database, clock, onFault: (fault) => log("metrics wait for the disk", fault) }),
    cipher: keyFileCipher({ file: folder.cipherKey }),
    signer: keyFileSigner({ file: folder.signerKey }),
    source: gitSource({ repository: folder.repository }),
  };
};
export type Capabilities = Awaited<ReturnType<typeof openCapabilities>>;

/** Stands between the steps and a capability; what it returns is used in the capability's place. */
export type Instrument = <Capability extends object>(name: string, capability: Capability) => Capability;

/** Everything that the steps run on. */
export const worldOf = (
  capabilities: Capabilities,
  rest: {
    readonly images: Images;
    readonly functions: Functions;
    readonly deliveries: Deliveries;
    readonly slack: SlackApi;
  },
  instrument: Instrument = (_, capability) => capability,
) => {
  const { clock, log, url } = capabilities;
  const store = instrument<Store>("store", capabilities.store);
  const cipher = instrument<Cipher>("cipher", capabilities.cipher);
  const signer = instrument<Signer>("signer", capabilities.signer);
  const blobs = instrument<Blobs>("blobs", capabilities.blobs);
  const deliveries = instrument<Deliveries>("deliveries", rest.deliveries);
  const images = instrument<Images>("images", rest.images);
  const slack: SlackApi = {
    chat: instrument("slack.chat", rest.slack.chat),
    conversations: instrument("slack.conversations", rest.slack.conversations),
    views: instrument("slack.views", rest.slack.views),
    users: instrument("slack.users", rest.slack.users),
  };
  const serving = (environment: Environment) =>
    instrument<BytesServing>(
      `serving.${environment}`,
      embeddedServing({
        environment,
        // Its own table, so to speak.
        store: instrument<Store>(`serving.${environment}.store`, capabilities.store),
        images: rest.images,
        functions: rest.functions,
        url,
        random: Math.random,
      }),
    );
  const channel = slackChannel<MessageState>({
    slack,
    channel: slackWorkspace.channel.id,
    render: (state) => messageBlocks(state, `${url}/deliveries/${state.delivery}`),
  });
  const source = instrument<Source & CommitHistory>("source", capabilities.source);
  const account = ledger({ store });
  const record = pushes({ store, clock });
  const { policy } = capabilities;
  const needs = {
    source,
    ledger: account,
    pushes: record,
    policy,
    slack,
    warn: log,
    addresses: "any",
  } as const;
  return {
    ...capabilities,
    store,
    pushes: record,
    approversFor: approversFor(needs),
    assertApprovable: assertApprovable({ ...needs, approversFor: approversFor(needs) }),
    cipher,
    images,
    deliveries,
    slack,
    registry: instrument<Registry>("registry", capabilities.registry),
    source,
    metrics: instrument<Metrics>("metrics", capabilities.metrics),
    blobs,
    signer,
    provenance: provenance({ blobs, signer }),
    builder: builderDigest,
    serving: { stage: serving("stage"), prod: serving("prod") },
    // No step knows of keys, so nobody stands between them and the store.
    keys: apiKeys({ store: capabilities.store, random: randomBytes, clock }),
    claims: claims({ store }),
    ledger: account,
    outcomes: outcomes({ store }),
    approvals: approvals({ store, cipher, deliveries }),
    messages: messages({ store, channel, clock, warn: log }),
    warn: log,
    teamId: slackWorkspace.teamId,
    appId: slackWorkspace.appId,
    signingSecrets: async () => [await capabilities.secrets.read("SLACK_SIGNING_SECRET")],
  };
};
export type World = ReturnType<typeof worldOf>;
