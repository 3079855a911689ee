import { createHash } from "node:crypto";
import { createApprovals, type NewApproval } from "#domain/approval/approvals.ts";
import { assertApprovable } from "#domain/approval/assert-approvable.ts";
import { emptyIdentities } from "#domain/approval/identities.ts";
import { createPushLog } from "#domain/approval/push-log.ts";
import { resolveApprovers } from "#domain/approval/resolve-approvers.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { createDeliveryMessages, type MessageChannel } from "#domain/message/delivery-messages.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import { createPolicyWriter } from "#domain/policy/policy-writer.ts";
import { createProvenanceStore, type ExpectedProvenance } from "#domain/provenance/provenance-store.ts";
import { type BuildFacts, builderIds } from "#domain/provenance/statement.ts";
import type { Blobs } from "#platform/blobs/blobs.ts";
import { type Deliveries, type Execution, TaskGone } from "#platform/deliveries/deliveries.ts";
import { createSqliteMetrics } from "#platform/metrics/sqlite.ts";
import { createSqliteRegistry } from "#platform/registry/sqlite.ts";
import { createEmbeddedServing } from "#platform/serving/embedded.ts";
import { type Environment, FunctionFailed } from "#platform/serving/serving.ts";
import { type CommitHistory, CommitNotFound, type Source } from "#platform/source/source.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import type { Json, Store } from "#platform/store/store.ts";
import { memorySigner } from "./memory-signer.ts";
import { readMetricTotal } from "./read-metric-total.ts";

/** The tests' model: a classifier with one number as input, whose function predicts the same for every row. */
export const toyModel = "toy";
export const fakeCommit = (letter: string): string => letter.repeat(40);
export const fakeDigest = (letter: string): string => `sha256:${letter.repeat(64)}`;

export const buildModelYaml = (changes: Readonly<Record<string, string>> = {}): string =>
  Object.entries({
    name: toyModel,
    task: "classification",
    owner: "owner@example.com",
    inputs: "[{ name: x, type: number, min: 0, max: 10 }]",
    output: "{ labels: [no, yes], positive: yes }".replaceAll("no", '"no"').replaceAll("yes", '"yes"'),
    gates: "{ latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } }",
    approval: "{ approvers: [U024BE7LH], quorum: 1, authorMayApprove: false, timeout: PT24H }",
    canary: "{ steps: [10, 50], bake: PT30M, minSamples: 200, onInconclusive: extend, atMost: PT6H }",
    resources: "{ memoryMb: 512, timeoutSeconds: 30 }",
    records: "{ inputs: full, ttlDays: 30 }",
    ...changes,
  })
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");

export const policyYaml = `
approval: { approvers: [U024BE7LH, U0SECOND1], quorum: 1, authorMayApprove: false, timeout: P7D }
gates:
  latencyP95Ms: 1000
  imageSizeMb: 1000
  vulnerabilities: { critical: 0, high: 10 }
  notWorseThanChampionBy: { accuracy: 0.05 }
canary:
  firstStep: 25
  bake: PT5M
  minSamples: 100
  atMost: PT6H
  limits: { errorPoints: 1, latencyP95: { ratio: 1.5, slackMs: 5 }, labelSharePoints: 10 }
resources: { memoryMb: 3008, timeoutSeconds: 60 }
`;

const prediction = { label: "yes", scores: { no: 0.25, yes: 0.75 } };
const bytes = (text: string) => new TextEncoder().encode(text);

/** The files of the model at a commit: every commit has a different ONNX file. */
export const buildModelFiles = (commit: string, yaml = buildModelYaml()): Map<string, Uint8Array> =>
  new Map([
    ["model.yaml", bytes(yaml)],
    ["model.onnx", bytes(`onnx of ${commit}`)],
    ["holdout.csv", bytes("x,label\n1,yes\n2,no\n")],
    [
      "golden.json",
      bytes(
        JSON.stringify({
          tolerance: 1e-5,
          rows: [{ x: 1 }, { x: 2 }],
          predictions: [prediction, prediction],
        }),
      ),
    ],
    ["metrics.json", bytes(`{"auc": 0.84, "accuracy": {"value": 0.8}, "note": "tuned"}`)],
  ]);

/** Executions that a test sets, and task tokens that can each be used once. */
export const fakeDeliveries = () => {
  const executions = new Map<string, Execution>();
  const waiting = new Set<string>();
  const answers: { token: string; output?: Json; error?: { name: string; cause: string } }[] = [];
  const complete = (token: string, result: { output?: Json; error?: { name: string; cause: string } }) => {
    if (!waiting.delete(token)) throw new TaskGone("no task waits for this token");
    answers.push({ token, ...result });
  };
  const deliveries: Deliveries = {
    start: async (name, input) => {
      if (executions.has(name)) return { started: false };
      executions.set(name, { name, status: "RUNNING", input, startedAt: "2026-01-01T00:00:00Z" });
      return { started: true };
    },
    describe: async (name) => executions.get(name),
    history: async () => [],
    list: async ({ status }) => ({
      executions: [...executions.values()]
        .reverse()
        .filter((execution) => status === undefined || execution.status === status),
    }),
    succeed: async (token, output) => complete(token, { output }),
    fail: async (token, error) => complete(token, { error }),
  };
  return { deliveries, executions, waiting, answers };
};

/** A channel that records its messages; `down` makes it fail. */
export const fakeChannel = () => {
  const shown = new Map<string, MessageState>();
  const state = { down: false, posts: 0 };
  const assertUp = () => {
    if (state.down) throw new Error("Slack is down");
  };
  const channel: MessageChannel = {
    post: async (view) => {
      assertUp();
      const existing = [...shown].find(([, each]) => each.delivery === view.delivery)?.[0];
      if (existing === undefined) state.posts++;
      const ts = existing ?? `ts-${state.posts}`;
      if (existing === undefined) shown.set(ts, view);
      return { channel: "C0DELIVERY", ts };
    },
    update: async ({ ts }, view) => {
      assertUp();
      shown.set(ts, view);
    },
    retract: async ({ ts }) => {
      assertUp();
      shown.delete(ts);
    },
  };
  return { channel, shown, state };
};

export const memoryBlobs = (): Blobs => {
  const objects = new Map<string, Uint8Array>();
  return {
    put: async (key, value) => void objects.set(key, value),
    get: async (key) => objects.get(key),
  };
};

/** A store in memory, on a clock that the test sets. */
export const memoryStore = () => {
  const time = { now: 1_000_000_000 };
  const clock = () => time.now;
  const database = openDatabase(":memory:");
  return { store: createSqliteStore({ database, clock }), database, time, clock };
};

/** A cipher without encryption: encryption has its own tests. */
export const plainCipher = {
  encrypt: async (text: string) => text,
  decrypt: async (text: string) => text,
};

/** The digest of the current builder. */
export const fakeBuilderDigest = fakeDigest("e");

/** The facts of a build of a letter's commit from these files. */
export const createBuildFacts = (letter: string, files: ReadonlyMap<string, Uint8Array>): BuildFacts => ({
  digest: fakeDigest(letter),
  model: toyModel,
  commit: fakeCommit(letter),
  runtime: fakeDigest("f"),
  files: Object.fromEntries(
    [...files].map(([name, content]) => [name, createHash("sha256").update(content).digest("hex")]),
  ),
  baseImage: null,
  layers: [fakeDigest("f"), fakeDigest("1")],
  builderId: builderIds.embedded,
  builder: fakeBuilderDigest,
  buildId: "build:1",
  finishedAt: 1_000_000_000,
});

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
      return new Map(files.filter(([file]) => names?.includes(file) ?? true));
    },
    modelFileIds: async (name, commit) => {
      const files = name === toyModel ? [...filesAt(commit)] : [];
      return new Map(
        files.map(([file, content]) => [file, createHash("sha256").update(content).digest("hex")]),
      );
    },
    linkDiff: async (before, after) => ({ kind: "page", url: `https://example.com/${before}...${after}` }),
    file: async (path, commit) => {
      const folder = `models/${toyModel}/`;
      if (path.startsWith(folder)) return filesAt(commit).get(path.slice(folder.length));
      if (path !== "policy.yaml") return undefined;
      const committed = policies.has(commit) ? policies.get(commit) : policyYaml;
      return committed === undefined ? undefined : bytes(committed);
    },
  };
  /** Digests whose function differs from its golden vectors, or crashes. */
  const faulty = new Map<string, "differs" | "crashes">();
  const serving = (environment: Environment) =>
    createEmbeddedServing({
      environment,
      store: plain,
      images: { describe: async () => ({ sizeBytes: 1_000 }) },
      functions: {
        invoke: async ({ version, payload }) => {
          const behaviour = faulty.get(version.config.digest);
          if (behaviour === "crashes") throw new FunctionFailed("out of memory");
          const rows = (payload as { rows: unknown[] }).rows;
          const predicted =
            behaviour === "differs" ? { label: "no", scores: { no: 0.9, yes: 0.1 } } : prediction;
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
            floor: parsePolicy(bytes(platform), "the platform's copy"),
            identities: { ...emptyIdentities, domains: ["example.com"] },
          },
          { id: "operator", name: "Operator" },
        );
  const blobs = memoryBlobs();
  const signer = memorySigner();
  const provenanceStore = createProvenanceStore({ blobs, signer });
  const engine = fakeDeliveries();
  const slack = fakeChannel();
  const deliveries = between(engine.deliveries);
  /** Digests by their tags. */
  const releases = new Map<string, string>();
  const ledger = createLedger({ store });
  const pushes = createPushLog({ store, clock });
  const metrics = createSqliteMetrics({ database, clock, onError: () => undefined });
  const warnings: string[] = [];
  const warn = (sentence: string) => void warnings.push(sentence);
  const users = {
    info: async ({ user }: { user: string }) => ({
      user: { profile: { email: `${user.toLowerCase()}@example.com` } },
    }),
  };
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
    releases,
    images: { release: async (digest: string, tag: string) => void releases.set(tag, digest) },
    engine,
    deliveries,
    slack,
    warnings,
    warn,
    registry: createSqliteRegistry({ database, blobs, clock }),
    blobs,
    signer,
    /** Trusts the builder: a statement for the commit's current files is recorded before each check. */
    provenance: {
      verify: async (expected: ExpectedProvenance) => {
        const letter = expected.commit.slice(0, 1);
        await provenanceStore.record(createBuildFacts(letter, commits.get(expected.commit) ?? new Map()));
        return provenanceStore.verify(expected);
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
    ledger,
    pushes,
    approversFor: resolveApprovers(needs),
    assertApprovable: assertApprovable({ ...needs, approversFor: resolveApprovers(needs) }),
    outcomes: createOutcomes({ store }),
    approvals: createApprovals({ store, cipher: plainCipher, deliveries }),
    messages: createDeliveryMessages({ store, channel: between(slack.channel), clock, warn }),
    /** Commits the model; the letter names commit and image. */
    commit: (letter: string, yaml?: string) => {
      commits.set(fakeCommit(letter), buildModelFiles(fakeCommit(letter), yaml));
      return fakeCommit(letter);
    },
    close: () => database.close(),
  };
};
export type MemoryWorld = ReturnType<typeof createMemoryWorld>;

/** An approval request for the image and version of a letter, as a delivery makes it. */
export const createNewApproval = (
  world: MemoryWorld,
  {
    delivery,
    letter,
    version,
    ...more
  }: { delivery: string; letter: string; version: number } & Partial<NewApproval>,
): NewApproval => ({
  delivery,
  model: toyModel,
  commit: fakeCommit(letter),
  digest: fakeDigest(letter),
  version,
  baseline: 0,
  fence: 1,
  author: { name: "Sam", email: "sam@example.com" },
  pusher: null,
  contributors: null,
  evidence: { champion: null, changed: [], checks: [], omitted: [] },
  rule: { approvers: ["U024BE7LH"], quorum: 1, authorMayApprove: true, timeout: "PT24H" },
  askedAt: world.time.now,
  expiresAt: world.time.now + 3_600_000,
  ...more,
});

/** Records an approval for this image and version, based on the version in prod; returns its id. */
export const recordApproval = async (
  world: MemoryWorld,
  request: Parameters<typeof createNewApproval>[1],
): Promise<string> => {
  const baseline = (await world.ledger.serving("prod", toyModel))?.sequence ?? 0;
  const { id } = await world.approvals.ask(
    createNewApproval(world, { baseline, ...request }),
    `token-${request.delivery}`,
  );
  const person = { user: "U024BE7LH", name: "Ada", email: "ada@example.com" };
  await world.approvals.vote(id, { ...person, verdict: "approved", reason: null, at: world.time.now });
  return id;
};

/** The variables that a build exports for an image. */
export const createBuildVariables = (letter: string, builtAt = 1_000_000_000) => [
  { Name: "SLIPWAY_DIGEST", Value: fakeDigest(letter) },
  { Name: "SLIPWAY_SIZE_BYTES", Value: "1000" },
  { Name: "SLIPWAY_BUILD_ID", Value: "build:1" },
  { Name: "SLIPWAY_BUILT_AT", Value: String(builtAt) },
];

export const hashSha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Brings the model at a commit to prod with the domain's functions, as a delivery would. */
export const promoteVersion = async (world: MemoryWorld, letter: string, version: number) => {
  const { claims, ledger, serving, time } = world;
  const commit = world.commit(letter);
  await world.pushes.record({ before: null, after: commit, by: "sam@example.com" });
  const delivery = `delivery-${letter}`;
  const config = {
    digest: fakeDigest(letter),
    memoryMb: 512,
    timeoutSeconds: 30,
    variables: {
      SLIPWAY_MODEL: toyModel,
      SLIPWAY_MODEL_VERSION: String(version),
      SLIPWAY_DIGEST: fakeDigest(letter),
    },
  };
  let last: Awaited<ReturnType<typeof ledger.begin>> | undefined;
  for (const environment of ["stage", "prod"] as const) {
    const target = serving[environment];
    const grant = await claims.take(
      { environment, model: toyModel, delivery, requestedAt: time.now, now: time.now },
      "force",
    );
    if (grant.status !== "granted") throw new Error("a forced claim is granted");
    await target.ensure(toyModel);
    const published = await target.publish(toyModel, {
      ...config,
      variables: { ...config.variables, SLIPWAY_ENVIRONMENT: environment },
    });
    const previous = (await ledger.serving("prod", toyModel))?.sequence ?? 0;
    const entry = await ledger.begin(
      {
        environment,
        model: toyModel,
        delivery,
        commit,
        digest: fakeDigest(letter),
        version,
        functionVersion: published.version,
        fence: grant.fence,
        previous,
        reason: null,
        builder: fakeBuilderDigest,
      },
      time.now,
    );
    const live = await target.live(toyModel);
    await target.route(
      toyModel,
      { version: published.version, description: `fence=${grant.fence} delivery=${delivery}` },
      { expect: live?.revision ?? "absent" },
    );
    last =
      environment === "prod"
        ? await ledger.change(entry, (current) => ({
            ...current,
            status: "promoted",
            promotedAt: time.now,
            championMoved: true,
          }))
        : entry;
  }
  for (const environment of ["stage", "prod"] as const) await claims.release(environment, toyModel, delivery);
  time.now += 1_000;
  if (!last) throw new Error("two environments were served");
  return last;
};
