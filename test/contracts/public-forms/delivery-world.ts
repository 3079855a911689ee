import { createApprovals } from "#domain/approval/approvals.ts";
import { type FollowUp, finishApproval } from "#domain/approval/finish-approval.ts";
import { resolveApprovers } from "#domain/approval/resolve-approvers.ts";
import { createDeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { createProvenanceStore } from "#domain/provenance/provenance-store.ts";
import { builderIds } from "#domain/provenance/statement.ts";
import { answerApproval, type SlackCallback } from "#lambdas/answer-approval/answer-approval.ts";
import { createBlobArtifactStore } from "#platform/artifacts/blob-artifact-store.ts";
import type { Blobs } from "#platform/blobs/blobs.ts";
import { readContent } from "#platform/files/file-content.ts";
import { useTemporaryFolder } from "#platform/files/temporary-folder.ts";
import type { BuildOptions, BuildRequest } from "#platform/images/images.ts";
import { createSqliteRegistry } from "#platform/registry/sqlite.ts";
import type { DatabaseRow } from "#platform/store/open-database.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { createSlackChannel, type SlackApi } from "#slack/slack-channel.ts";
import { AnyApprovalInput, AnyCanaryInput } from "#statemachine/canary-contracts.ts";
import type { StepName } from "#statemachine/delivery.ts";
import { createBuildFacts, fakeBuilderDigest } from "#test/support/fake-build.ts";
import { openBytes } from "#test/support/memory-blobs.ts";
import { memorySigner } from "#test/support/memory-signer.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import { plainCipher } from "#test/support/plain-cipher.ts";
import { fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { signSlackRequest } from "#worlds/embedded/desk/sign-slack-request.ts";
import { startEngine } from "#worlds/embedded/engine/engine.ts";
import { createMachineSteps } from "#worlds/embedded/engine/machine-steps.ts";
import { runBuildTask } from "#worlds/embedded/engine/run-build-task.ts";

export const approver = "U024BE7LH";

/** Records every row that is written to a table, also rows that are overwritten or removed later. */
const noteWrites = (
  { database }: ReturnType<typeof createMemoryWorld>,
  table: string,
  columns: readonly string[],
): (() => readonly DatabaseRow[]) => {
  const notes = `written_${table}`;
  database.prepare(`CREATE TEMP TABLE ${notes} (${columns.join(", ")})`).run();
  for (const event of ["INSERT", "UPDATE"])
    database
      .prepare(
        `CREATE TEMP TRIGGER ${notes}_${event} AFTER ${event} ON main.${table} BEGIN
           INSERT INTO ${notes} VALUES (${columns.map((column) => `new.${column}`).join(", ")});
         END`,
      )
      .run();
  return () => database.prepare(`SELECT * FROM ${notes}`).all();
};

/** The parts of Slack that deliveries use; records every call. */
const noteSlackCalls = () => {
  const calls: { readonly method: string; readonly request: object }[] = [];
  const note = (method: string, request: object = {}) => void calls.push({ method, request });
  /** `down`: users.info fails, so that votes are postponed. */
  const profiles = { down: false };
  let posts = 0;
  const slack: SlackApi = {
    chat: {
      postMessage: async (request) => {
        note("chat.postMessage", request);
        return { ok: true, channel: "C0DELIVERY", ts: `ts-${++posts}` };
      },
      update: async (request) => {
        note("chat.update", request);
        return { ok: true };
      },
      postEphemeral: async (request) => {
        note("chat.postEphemeral", request);
        return { ok: true };
      },
    },
    conversations: {
      history: async (request) => {
        note("conversations.history", request);
        return { ok: true, messages: [] };
      },
      replies: async (request) => {
        note("conversations.replies", request);
        return { ok: true, messages: [] };
      },
    },
    views: {
      open: async (request) => {
        note("views.open", request);
        return { ok: true };
      },
    },
    users: {
      info: async (request) => {
        note("users.info", request);
        if (profiles.down) throw new Error("Slack is down");
        return { ok: true, user: { profile: { email: `${request?.user.toLowerCase()}@example.com` } } };
      },
      lookupByEmail: async (request) => {
        note("users.lookupByEmail", request);
        return { ok: false };
      },
    },
    usergroups: {
      users: {
        list: async (request) => {
          note("usergroups.users.list", request);
          return { ok: false };
        },
      },
    },
  };
  return { slack, calls, profiles };
};

/** A promise for each name, resolved before or after a caller waits for it. */
const promisesByName = <Value>() => {
  const promises = new Map<string, PromiseWithResolvers<Value>>();
  return (name: string): PromiseWithResolvers<Value> => {
    const promise = promises.get(name) ?? Promise.withResolvers<Value>();
    // A delivery may end without an approval request; then nobody waits for one.
    promise.promise.catch(() => undefined);
    promises.set(name, promise);
    return promise;
  };
};

type RunStep = <Output>(step: StepName | "build-image", run: () => Promise<Output>) => Promise<Output>;

/**
 * The steps' world with the embedded engine, so that the real state machine calls the real steps; records what they
 * store and send.
 * @param runStep wraps every step and the build
 */
export const openDeliveryWorld = ({ runStep = (_, run) => run() }: { readonly runStep?: RunStep } = {}) => {
  const world = createMemoryWorld();
  world.time.now = Date.UTC(2026, 10, 21, 12);
  const items = noteWrites(world, "items", ["partition", "sort", "value", "expires_at"]);
  const aliases = noteWrites(world, "model_aliases", ["model", "alias", "version"]);
  const { slack, calls, profiles } = noteSlackCalls();
  const { database, clock, store, warn } = world;
  const blobs = new Map<string, { readonly bytes: Uint8Array; readonly contentType: string }>();
  const blobStore: Blobs = {
    put: async (key, content, { contentType }) =>
      void blobs.set(key, { bytes: await readContent(content), contentType }),
    get: async (key) => blobs.get(key)?.bytes,
    open: async (key) => openBytes(blobs.get(key)?.bytes),
  };
  const images = {
    ...world.images,
    build: async ({ model, commit }: BuildRequest, { keepArtifact }: BuildOptions = {}) => {
      const contents = await runStep("build-image", () =>
        useTemporaryFolder("slipway-test-", async (folder) => {
          const files = await world.source.copyModelFiles(model, commit, folder);
          const artifact = files.get("model.onnx");
          if (artifact) await keepArtifact?.(artifact);
          const { files: hashes, gitBlobs } = createBuildFacts(
            commit.slice(0, 1),
            new Map(
              await Promise.all(
                [...files].map(async ([name, file]) => [name, await readContent(file)] as const),
              ),
            ),
          );
          return { files: hashes, gitBlobs, artifact: artifact?.sha256 ?? "" };
        }),
      );
      return {
        digest: fakeDigest(commit.slice(0, 1)),
        sizeBytes: 1_000,
        buildId: "build:1",
        contents: { layers: [fakeDigest("f"), fakeDigest("1")], ...contents },
      };
    },
    describe: async () => ({ sizeBytes: 1_000 }),
    scan: async () =>
      ({
        status: "complete",
        findings: [],
        scanned: { npm: 3 },
        unknownEcosystems: [],
        advisoriesAsOf: "2026-01-01T00:00:00Z",
      }) as const,
  };
  const artifacts = createBlobArtifactStore({ blobs: blobStore });
  const buildProvenance = createProvenanceStore({ blobs: blobStore, signer: memorySigner() });
  const channel = createSlackChannel<MessageState>({
    slack,
    channel: "C0DELIVERY",
    warn: () => undefined,
    render: (state) => renderMessageBlocks(state, `https://example.com/${state.delivery}`),
  });
  const engine = startEngine({
    capabilities: { database, clock },
    build: runBuildTask({
      images,
      artifacts,
      provenance: buildProvenance,
      builder: async () => fakeBuilderDigest,
      builderId: builderIds.embedded,
      clock,
    }),
    steps: () => steps,
    pace: { bakeMs: 1 },
    onEvent: () => undefined,
    onEnd: async (name) => {
      const outcome = await world.outcomes.read(name);
      execution(name).resolve();
      question(name).reject(new Error(`${name} ended without a question: ${JSON.stringify(outcome)}`));
    },
    onError: warn,
  });
  const needs = {
    ...world,
    blobs: blobStore,
    artifacts,
    images,
    deliveries: engine,
    slack,
    approversFor: resolveApprovers({ ...world, slack, addresses: "organisation" }),
    provenance: buildProvenance,
    registry: createSqliteRegistry({ database, blobs: blobStore, clock }),
    approvals: createApprovals({ store, cipher: plainCipher, deliveries: engine }),
    messages: createDeliveryMessages({ store, channel, clock, warn }),
    wait: async () => undefined,
  };

  const question = promisesByName<string>();
  const laterQuestion = promisesByName<string>();
  const execution = promisesByName<void>();
  const machineSteps = createMachineSteps(needs);
  /**
   * What happens while a canary bakes, by its commit's first letter; by default every request succeeds. `traffic` replaces
   * the requests and the time of a bake.
   */
  const bakes = new Map<
    string,
    "fails" | (() => Promise<void>) | { readonly traffic: () => Promise<void> }
  >();
  const machine: Record<StepName, (event: unknown) => Promise<unknown>> = {
    ...machineSteps,
    "request-approval": async (event) => {
      const { delivery } = AnyApprovalInput.parse(event);
      await machineSteps["request-approval"](event);
      const asked = await needs.approvals.asked(delivery);
      question(delivery).resolve(asked.at(-1) ?? "");
      laterQuestion(`${delivery} ${asked.length}`).resolve(asked.at(-1) ?? "");
    },
    "judge-canary": async (event) => {
      const input = AnyCanaryInput.parse(event);
      const { commit, championVersion, functionVersion } = input;
      const bake = bakes.get(commit.slice(0, 1));
      // After a decision it is judged at once, without another bake.
      if ("canaryApproval" in input) return machineSteps["judge-canary"](event);
      if (typeof bake === "object") {
        await bake.traffic();
        return machineSteps["judge-canary"](event);
      }
      for (const version of [championVersion, functionVersion])
        for (let request = 0; request < 1_000; request++)
          world.metrics.request({
            environment: "prod",
            model: toyModel,
            version,
            at: world.time.now,
            latencyMs: 5 + (request % 3),
            failed: bake === "fails" && version === functionVersion && request % 2 === 0,
            labels: new Map([["yes", 1]]),
          });
      world.time.now += 1_800_000;
      if (typeof bake === "function") await bake();
      return machineSteps["judge-canary"](event);
    },
  };

  const steps = Object.fromEntries(
    Object.entries(machine).map(([name, step]) => [
      name,
      (event: unknown) => runStep(name as StepName, () => step(event)),
    ]),
  ) as typeof machine;

  const signRequest = (body: string, at = Math.floor(world.time.now / 1_000)) => ({
    rawBody: Buffer.from(body),
    headers: {
      "x-slack-request-timestamp": String(at),
      "x-slack-signature": signSlackRequest("secret", at, body),
    },
  });
  /** The response, after what it leaves to an asynchronous invocation is done. */
  const answer = async (callback: SlackCallback) => {
    const followUps: FollowUp[] = [];
    const response = await answerApproval({
      ...needs,
      startFollowUp: async (followUp) => void followUps.push(followUp),
      signingSecrets: async () => ["secret"],
      teamId: "T1",
      appId: "A1",
    })(callback);
    for (const followUp of followUps) await finishApproval(needs)(followUp);
    return response;
  };
  const callback = (payload: object) =>
    answer(
      signRequest(
        `payload=${encodeURIComponent(
          JSON.stringify({
            team: { id: "T1" },
            api_app_id: "A1",
            trigger_id: "trigger",
            channel: { id: "C0DELIVERY" },
            ...payload,
          }),
        )}`,
      ),
    );
  return {
    ...needs,
    engine,
    /** The id of a delivery's approval request; rejects if the delivery ends without one. */
    question: (delivery: string) => question(delivery).promise,
    /** The id of a delivery's `count`th question, from 1; never rejects. */
    nextQuestion: (delivery: string, count: number) => laterQuestion(`${delivery} ${count}`).promise,
    /** Resolves when the delivery's execution has ended. */
    ended: (delivery: string) => execution(delivery).promise,
    bakes,
    profiles,
    answer,
    signRequest,
    callback,
    notes: { items, aliases, blobs, calls },
  };
};
export type DeliveryWorld = ReturnType<typeof openDeliveryWorld>;

/** A click on a button of the message. */
export const click = (
  world: Pick<DeliveryWorld, "callback">,
  approval: string,
  action: "approve" | "reject",
  user = approver,
) =>
  world.callback({
    type: "block_actions",
    user: { id: user, name: user },
    actions: [{ action_id: action, value: approval }],
  });

/** The dialog with the model's name, submitted: for checks that are inconclusive. */
export const approveByName = (
  world: Pick<DeliveryWorld, "callback">,
  approval: string,
  name: string,
  user = approver,
) =>
  world.callback({
    type: "view_submission",
    user: { id: user, name: user },
    view: {
      callback_id: "confirm-approval",
      private_metadata: approval,
      state: { values: { confirmation: { confirmation: { value: name } } } },
    },
  });

/** The dialog with a reason, submitted. */
export const submit = (world: Pick<DeliveryWorld, "callback">, approval: string, reason: string) =>
  world.callback({
    type: "view_submission",
    user: { id: approver, name: approver },
    view: {
      callback_id: "reject-reason",
      private_metadata: approval,
      state: { values: { reason: { reason: { value: reason } } } },
    },
  });
