import { createApprovals } from "#domain/approval/approvals.ts";
import { assertApprovable } from "#domain/approval/assert-approvable.ts";
import { findRejection } from "#domain/approval/find-rejection.ts";
import { emptyIdentities } from "#domain/approval/identities.ts";
import { createPushLog } from "#domain/approval/push-log.ts";
import { resolveApprovers } from "#domain/approval/resolve-approvers.ts";
import { createAuditRecorder } from "#domain/audit/audit-recorder.ts";
import { createCanaries } from "#domain/canary/canaries.ts";
import { createHolds } from "#domain/changes/holds.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createOutbox } from "#domain/events/outbox.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createDeliveryMessages } from "#domain/message/delivery-messages.ts";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createPolicyWriter } from "#domain/policy/policy-writer.ts";
import { createProvenanceStore, type ExpectedProvenance } from "#domain/provenance/provenance-store.ts";
import type { Row } from "#model-folder/manifest/manifest.ts";
import { assertArtifactAllowed } from "#platform/artifacts/assert-artifact-allowed.ts";
import { createBlobArtifactStore } from "#platform/artifacts/blob-artifact-store.ts";
import { createSqliteEvents } from "#platform/events/sqlite.ts";
import { createSqliteMetrics } from "#platform/metrics/sqlite.ts";
import { createSqliteRegistry } from "#platform/registry/sqlite.ts";
import { createEmbeddedServing } from "#platform/serving/embedded.ts";
import type { FunctionResponse } from "#platform/serving/functions.ts";
import { type Environment, FunctionFailed } from "#platform/serving/serving.ts";
import { type CommitHistory, CommitNotFound, type Source } from "#platform/source/source.ts";
import type { Store } from "#platform/store/store.ts";
import { copyModelFilesOf } from "#test/support/copy-model-files.ts";
import { createBuildFacts, fakeBuilderDigest, hashGitBlob } from "./fake-build.ts";
import { fakeChannel } from "./fake-channel.ts";
import { fakeDeliveries } from "./fake-deliveries.ts";
import { memoryAnchors } from "./memory-anchors.ts";
import { memoryBlobs } from "./memory-blobs.ts";
import { memorySigner } from "./memory-signer.ts";
import { memoryStore } from "./memory-store.ts";
import { plainCipher } from "./plain-cipher.ts";
import { readMetricTotal } from "./read-metric-total.ts";
import { toFileStream } from "./to-file-stream.ts";
import { buildModelFiles, fakeCommit, policyYaml, toyModel, toyPrediction } from "./toy-model.ts";

const encodeText = (text: string) => new TextEncoder().encode(text);

/**
 * The capabilities of the steps in memory: embedded implementations where they are fast, stubs elsewhere.
 * @param instrument wraps the store of claims, ledger and approvals
 * @param between wraps the engine and the channel that steps call
 * @param platform the platform's copy of the policy; null: there is none
 */
export const createMemoryWorld = ({
  instrument = (store: Store) => store,
  between = <Capability extends object>(capability: Capability) => capability,
  platform = policyYaml,
}: {
  readonly instrument?: (store: Store) => Store;
  readonly between?: <Capability extends object>(capability: Capability) => Capability;
  readonly platform?: string | null;
} = {}) => {
  const { store: plain, database, time, clock } = memoryStore();
  const store = instrument(plain);
  const commits = new Map<string, Map<string, Uint8Array>>();
  const changed = new Map<string, readonly string[]>();
  /** A commit's policy.yaml where it is not the default; undefined: the commit removed the file. */
  const policies = new Map<string, string | undefined>();
  const filesAt = (commit: string) => {
    const files = commits.get(commit);
    if (!files) throw new CommitNotFound(`there is no commit ${commit}`);
    return files;
  };
  const getPosition = (commit: string) => [...commits.keys()].indexOf(commit);
  const source: Source & CommitHistory = {
    commit: async (id) => ({
      id,
      author: { name: "Sam", email: "sam@example.com" },
      subject: "a change",
      committedAt: "2026-01-01T00:00:00Z",
    }),
    changedPaths: async (before, after) => changed.get(`${before ?? ""}..${after}`) ?? [],
    // Sam is the only author of every commit. test/attacks covers contributors on real repositories.
    history: async (head, without) => ({
      commits: without.some((other) => getPosition(other) >= getPosition(head))
        ? []
        : [
            {
              id: head,
              parents: [],
              author: { name: "Sam", email: "sam@example.com" },
              committer: { name: "Sam", email: "sam@example.com" },
              coAuthors: [],
              changes: [{ path: `models/${toyModel}/model.onnx` }],
              signature: { by: "nobody" },
              authorAccount: null,
            },
          ],
      updates: [{ before: null, after: head, by: "sam@example.com", merged: null }],
      branches: "unknown",
      complete: true,
    }),
    isCleanMerge: async () => false,
    models: async (commit) => (filesAt(commit).size > 0 ? [toyModel] : []),
    modelFiles: async (name, commit, names) => {
      const files = name === toyModel ? [...filesAt(commit)] : [];
      return new Map(files.filter(([file]) => names.includes(file)));
    },
    copyModelFiles: copyModelFilesOf((name, commit) => (name === toyModel ? filesAt(commit) : new Map())),
    modelFileIds: async (name, commit) => {
      const files = name === toyModel ? [...filesAt(commit)] : [];
      return new Map(files.map(([file, content]) => [file, hashGitBlob(content)]));
    },
    linkDiff: async (before, after) => ({ kind: "page", url: `https://example.com/${before}...${after}` }),
    linkCommit: async (commit) => ({ kind: "page", url: `https://example.com/${commit}` }),
    file: async (path, commit) => {
      const folder = `models/${toyModel}/`;
      if (path.startsWith(folder)) return filesAt(commit).get(path.slice(folder.length));
      if (path !== "policy.yaml") return undefined;
      const committed = policies.has(commit) ? policies.get(commit) : policyYaml;
      return committed === undefined ? undefined : encodeText(committed);
    },
  };
  /** Predictions that prod's functions list, newest first. */
  const recorded: { version: number; inputs?: Row; createdAt: string }[] = [];
  /** Digests whose function differs from its golden vectors, or crashes. */
  const faulty = new Map<string, "differs" | "crashes">();
  const serving = (environment: Environment) =>
    createEmbeddedServing({
      environment,
      store: plain,
      images: { describe: async () => ({ sizeBytes: 1_000 }) },
      functions: {
        invoke: async ({ version, payload }): Promise<FunctionResponse> => {
          const behaviour = faulty.get(version.config.digest);
          if (behaviour === "crashes") throw new FunctionFailed("out of memory");
          // The records of prod, as the function lists them.
          if ("rawPath" in (payload as object)) {
            const body = JSON.stringify({ items: recorded, total: recorded.length });
            return { payload: { statusCode: 200, headers: {}, body, isBase64Encoded: false }, durationMs: 1 };
          }
          const rows = (payload as { rows: unknown[] }).rows;
          const predicted =
            behaviour === "differs" ? { label: "no", scores: { no: 0.9, yes: 0.1 } } : toyPrediction;
          return { payload: { predictions: rows.map(() => predicted), latencyMs: 1 }, durationMs: 1 };
        },
      },
      url: "http://127.0.0.1:4000",
      random: () => 0.5,
    });
  const policy = createPlatformPolicy({ store: plain });
  const policyChanges = createPolicyWriter({ store: plain, clock });
  /** Every world starts with the platform's copy in its store, as after `slipway init aws`. */
  const seeded =
    platform === null
      ? undefined
      : policyChanges.writeFirst(
          {
            floor: parsePolicy(encodeText(platform), "the platform's copy"),
            identities: { ...emptyIdentities, domains: ["example.com"] },
          },
          { id: "operator", name: "Operator" },
        );
  const blobs = memoryBlobs();
  const artifacts = createBlobArtifactStore({ blobs });
  const signer = memorySigner();
  const provenanceStore = createProvenanceStore({ blobs, signer });
  const keepArtifact = async (commit: string) => {
    const bytes = commits.get(commit)?.get("model.onnx") ?? new Uint8Array();
    await artifacts.keep(toFileStream(bytes));
  };
  const buildCommit = async (commit: string) => {
    await keepArtifact(commit);
    await provenanceStore.record(createBuildFacts(commit.slice(0, 1), commits.get(commit) ?? new Map()));
  };
  const engine = fakeDeliveries();
  const fakeSlackChannel = fakeChannel();
  const deliveries = between(engine.deliveries);
  /** Digests by their tags. */
  const releases = new Map<string, string>();
  const ledger = createLedger({ store });
  const pushes = createPushLog({ store, clock });
  const metrics = createSqliteMetrics({ database, clock, onError: () => undefined });
  const warnings: string[] = [];
  const warn = (sentence: string) => void warnings.push(sentence);
  const events = createSqliteEvents({ database });
  const registry = createSqliteRegistry({ database, blobs, clock });
  const anchors = memoryAnchors(clock);
  const users = {
    info: async ({ user }: { user: string }) => ({
      user: { profile: { email: `${user.toLowerCase()}@example.com` } },
    }),
  };
  /** Notes that only one user sees. */
  const notes: { readonly channel: string; readonly user: string; readonly text: string }[] = [];
  const chat = { postEphemeral: async (note: (typeof notes)[number]) => void notes.push(note) };
  const slack = { ...fakeSlackChannel, users, chat };
  const read = () => Promise.resolve(seeded).then(policy.read);
  const needs = {
    source,
    ledger,
    pushes,
    policy: { read },
    slack: { users },
    warn,
    addresses: "organisation",
  } as const;
  return {
    store,
    database,
    time,
    clock,
    source,
    commits,
    changed,
    policies,
    policy: {
      find: () => Promise.resolve(seeded).then(policy.find),
      read,
    },
    policyChanges,
    faulty,
    recorded,
    releases,
    images: { release: async (digest: string, tag: string) => void releases.set(tag, digest) },
    engine,
    deliveries,
    slack,
    notes,
    warnings,
    warn,
    /** The bus that the outbox publishes on. */
    events,
    outbox: createOutbox({ store, events, warn }),
    registry,
    anchors,
    audit: createAuditRecorder({ store, anchors: between(anchors), registry, clock, warn }),
    blobs,
    signer,
    artifacts,
    assertArtifactAllowed,
    keepArtifact,
    /** Trusts the builder: a statement for the commit's current files is recorded before each check. */
    provenance: {
      verify: async (expected: ExpectedProvenance) => {
        await buildCommit(expected.commit);
        return provenanceStore.verify(expected);
      },
      verifyBuild: async (expected: ExpectedProvenance) => {
        await buildCommit(expected.commit);
        return provenanceStore.verifyBuild(expected);
      },
    },
    /** The same without statements of the builder: only those that a test records. */
    strict: provenanceStore,
    builder: async () => fakeBuilderDigest,
    metrics,
    readMetricTotal: (name: string, dimensions: Readonly<Record<string, string>>) => {
      metrics.flush();
      return readMetricTotal(database, name, dimensions);
    },
    serving: { stage: serving("stage"), prod: serving("prod") },
    claims: createClaims({ store }),
    canaries: createCanaries({ store, clock }),
    holds: createHolds({ store }),
    ledger,
    pushes,
    approversFor: resolveApprovers(needs),
    assertApprovable: assertApprovable({ ...needs, approversFor: resolveApprovers(needs) }),
    outcomes: createOutcomes({ store }),
    approvals: createApprovals({ store, cipher: plainCipher, deliveries }),
    findRejection: findRejection({ store }),
    messages: createDeliveryMessages({ store, channel: between(fakeSlackChannel.channel), clock, warn }),
    /** Commits the model; the letter names commit and image. */
    commit: (letter: string, yaml?: string) => {
      commits.set(fakeCommit(letter), buildModelFiles(fakeCommit(letter), yaml));
      return fakeCommit(letter);
    },
    close: () => database.close(),
  };
};
export type MemoryWorld = ReturnType<typeof createMemoryWorld>;
