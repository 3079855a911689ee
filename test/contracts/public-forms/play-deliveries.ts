import { admitKey } from "#api-keys/admit-key.ts";
import { createApiKeyStore } from "#api-keys/api-key-store.ts";
import { createRateLimiter } from "#api-keys/rate-limiter.ts";
import { emptyIdentities } from "#domain/approval/identities.ts";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { createRecorder } from "#inference/records/recorder.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";
import { reportOutcome } from "#lambdas/report-outcome/report-outcome.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { startDelivery } from "#lambdas/start-delivery/start-delivery.ts";
import { sweepDeliveries } from "#lambdas/sweep-deliveries/sweep-deliveries.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { createLabelledRows } from "#test/support/records-fixture.ts";
import { buildModelYaml, fakeCommit, fakeDigest, policyYaml, toyModel } from "#test/support/toy-model.ts";
import {
  approveByName,
  approver,
  click,
  type DeliveryWorld,
  openDeliveryWorld,
  submit,
} from "./delivery-world.ts";

const day = 86_400_000;
const approvalRule =
  "{ approvers: [U024BE7LH, U0SECOND1], quorum: 1, authorMayApprove: false, timeout: PT24H }";
const secondApprover = "U0SECOND1";
const sam = "sam@example.com";
/** The second approver's address in the platform's map: a pusher may not approve. */
const bob = "bob@example.com";
/** Gates that are weaker than the champion's: the message shows such a change first. */
const weakerGates = {
  gates: "{ latencyP95Ms: 60, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } }",
};
const bytes = (text: string) => new TextEncoder().encode(text);

/** Two people change the platform's policy: it then names people, bots and domains. */
const changePolicy = async ({ policy, policyChanges }: DeliveryWorld) => {
  await policy.read();
  const person = {
    logins: ["github:bob"],
    arns: ["arn:aws:iam::123456789012:user/bob"],
    emails: ["1+bob@users.noreply.github.com"],
    slack: secondApprover,
  };
  const floor = policyYaml
    .replace("imageSizeMb: 1000", "imageSizeMb: 1200")
    .replace("latencyP95Ms: 1000", "latencyP95Ms: 900");
  const { id } = await policyChanges.propose(
    {
      floor: parsePolicy(bytes(floor), "a copy"),
      identities: {
        ...emptyIdentities,
        people: { [bob]: person, "carol@partner.org": { logins: [], arns: [], emails: [] } },
        bots: ["github:renovate[bot]"],
        domains: ["example.com"],
        sessionRoles: ["arn:aws:iam::123456789012:role/DataScience"],
      },
    },
    { id: "AIDAOPERATORONE", name: "Olga" },
  );
  await policyChanges.confirm(id, { id: "AIDAOPERATORTWO", name: "Petra" });
};

/** Creates API keys, uses one beyond its rate, rotates and revokes it. */
const useKeys = async ({ store, clock, warn }: DeliveryWorld) => {
  let calls = 0;
  const keys = createApiKeyStore({ store, random: (size) => new Uint8Array(size).fill(++calls), clock });
  const rate = { perMinute: 2, burst: 2 };
  const options = {
    name: "billing",
    environment: "prod",
    rate,
    expiresAt: clock() + day,
    by: "ada",
  } as const;
  await keys.create({ ...options, models: "all", expiresAt: null });
  const { key, record } = await keys.create({ ...options, models: [toyModel] });
  const admit = admitKey({
    keys,
    limiter: createRateLimiter({ store, clock, warn }),
    environment: "prod",
    warn,
    logRefusal: () => undefined,
  });
  for (let request = 0; request < 3; request++) await admit({ key, model: toyModel });
  await keys.rotate("prod", record.id, { graceMs: day, by: "ada" });
  await keys.revoke("prod", record.id, "ada");
};

/** Records requests with inputs, with hashed ones and without; the rows of a large one become a blob. */
const recordPredictions = async ({ store, blobs, clock }: DeliveryWorld) => {
  const recorderFor = (inputs: "full" | "hashed" | "none") =>
    createRecorder({
      store,
      blobs,
      manifest: { records: { inputs, ttlDays: 30 } },
      hashKey: async () => new Uint8Array(32).fill(1),
      log: (line) => {
        throw new Error(line);
      },
      limitMs: 60_000,
    });
  const at = clock();
  const labels = Array.from({ length: 101 }, (_, index) => (index % 2 === 0 ? "stay" : "leave"));
  await recorderFor("full").record(createLabelledRows(["stay", "leave"], { at, id: "request-1" }));
  await recorderFor("hashed").record(createLabelledRows(["stay"], { at, id: "request-2" }));
  await recorderFor("none").record(
    createLabelledRows(["stay"], {
      at,
      id: "request-3",
      predictions: [{ value: 1.5, band: "high", scores: { value: 1.5 } }],
    }),
  );
  const predictions = labels.map((label, index): Prediction => {
    // A row with other names than the first is kept as an object.
    const scores: Prediction["scores"] = index === 100 ? { stay: 1 } : { stay: 0.75, leave: 0.25 };
    return { label, scores };
  });
  await recorderFor("full").record(createLabelledRows(labels, { at, id: "request-4", predictions }));
};

/** Actions on deliveries (pushes, clicks), with their results. */
const driver = (world: DeliveryWorld) => {
  const start = startDelivery({ ...world, clock: world.clock });
  const results: unknown[] = [];
  const responses: { readonly name: string; readonly status: number; readonly body: string }[] = [];
  const outcomes = new Map<string, string | undefined>();
  let before: string | null = null;

  /** Commits the model anew and pushes it; returns the delivery's name. */
  const push = async (letter: string, pusher = sam, rules = {}): Promise<string> => {
    world.time.now += 60_000;
    const after = world.commit(letter, buildModelYaml({ approval: approvalRule, ...rules }));
    world.changed.set(`${before ?? ""}..${after}`, [`models/${toyModel}/model.onnx`]);
    const result = await start({ repository: "rehearsal", before, after, pusher, runtime: fakeDigest("f") });
    results.push(result);
    before = after;
    return result.deliveries[0]?.name ?? "";
  };
  /** The same; waits for the approval request. */
  const pushAndAsk = async (letter: string, pusher = sam, rules = {}) => {
    const delivery = await push(letter, pusher, rules);
    return { delivery, approval: await world.question(delivery) };
  };
  const keepResponse = async (name: string, response: ReturnType<typeof click>) =>
    void responses.push({ name, ...(await response) });
  const keepOutcome = async (name: string, delivery: string) => {
    await world.ended(delivery);
    outcomes.set(name, (await world.outcomes.read(delivery))?.outcome);
  };
  /** Delivers a letter's commit again, by hand. */
  const deliverAgain = async (letter: string): Promise<string> => {
    const request = { repository: "rehearsal", before: null, after: fakeCommit(letter), pusher: sam };
    const result = await start({ ...request, runtime: fakeDigest("f"), models: [toyModel] });
    results.push(result);
    return result.deliveries[0]?.name ?? "";
  };
  return { push, pushAndAsk, keepResponse, keepOutcome, deliverAgain, results, responses, outcomes };
};
type Driver = ReturnType<typeof driver>;

/** A first version without a canary, and a second one with a canary. */
const promoteTwo = async (world: DeliveryWorld, { pushAndAsk, keepResponse, keepOutcome }: Driver) => {
  const first = await pushAndAsk("1");
  await keepResponse("approve", approveByName(world, first.approval, toyModel));
  await keepOutcome("the first version", first.delivery);
  const second = await pushAndAsk("2");
  // Checks are inconclusive.
  await keepResponse("approve, which opens the dialog", click(world, second.approval, "approve"));
  await keepResponse("another name", approveByName(world, second.approval, "other"));
  await keepResponse("approve by name", approveByName(world, second.approval, toyModel));
  await keepOutcome("the second version, with a canary", second.delivery);
  await keepResponse("approve after the decision", click(world, second.approval, "approve"));
};

/** Versions that fail on stage and in the canary. */
const failTwo = async (world: DeliveryWorld, { push, pushAndAsk, keepResponse, keepOutcome }: Driver) => {
  world.faulty.set(fakeDigest("3"), "differs");
  await keepOutcome("a version that fails its golden vectors on stage", await push("3"));

  world.bakes.set("5", "fails");
  // Slack shows no addresses at the request, so both votes are postponed.
  world.profiles.down = true;
  const failing = await pushAndAsk("5", "github:stranger", weakerGates);
  world.profiles.down = false;
  await keepResponse("the first of two approvals", approveByName(world, failing.approval, toyModel));
  await keepResponse(
    "the second of two approvals",
    approveByName(world, failing.approval, toyModel, secondApprover),
  );
  await keepOutcome("a version that fails in its canary", failing.delivery);
};

/** Versions that a person rejects, that a later push supersedes, and that the test stops. */
const endTheOthers = async (world: DeliveryWorld, { pushAndAsk, keepResponse, keepOutcome }: Driver) => {
  const sweep = sweepDeliveries({
    ...world,
    rollBack: rollBack(world),
    moveChampion: moveChampion(world),
    reportOutcome: reportOutcome(world),
  });
  const rejected = await pushAndAsk("4");
  await sweep({});
  await keepResponse(
    "reject without being an approver",
    click(world, rejected.approval, "reject", "U0STRANGER"),
  );
  await keepResponse("reject, which opens the dialog", click(world, rejected.approval, "reject"));
  await keepResponse("an empty reason", submit(world, rejected.approval, " "));
  await keepResponse("a reason", submit(world, rejected.approval, "too slow"));
  await keepOutcome("a version that a person rejects", rejected.delivery);

  const older = await pushAndAsk("6", bob);
  const newer = await pushAndAsk("7");
  await keepResponse("approve after the withdrawal", click(world, older.approval, "approve"));
  await keepOutcome("a version that a later push supersedes", older.delivery);
  world.engine.abort(newer.delivery, "a test");
  await world.ended(newer.delivery);
  await sweep({});
  await keepOutcome("a delivery that is stopped", newer.delivery);
};

/** A person's rollback of prod, and a second one during a canary. */
const rollBackTwice = async (world: DeliveryWorld, { pushAndAsk, keepResponse, keepOutcome }: Driver) => {
  const request = { model: toyModel, id: `rollback-${toyModel}-1234abcd`, by: "ada: slow answers" };
  const { to } = await rollBackProd(world)(request);
  await moveChampion(world)({ delivery: request.id, model: toyModel, commit: to.commit });

  world.bakes.set("8", async () => {
    await rollBackProd(world)({ ...request, id: `rollback-${toyModel}-5678abcd` });
  });
  const ended = await pushAndAsk("8");
  await keepResponse("approve", approveByName(world, ended.approval, toyModel));
  await keepOutcome("a version whose canary a person ends", ended.delivery);
};

/** Callbacks that are refused or have no effect. */
const sendOtherCallbacks = async (world: DeliveryWorld, { keepResponse }: Driver) => {
  const dialog = {
    type: "view_submission",
    user: { id: approver, name: approver },
    view: { callback_id: "another", private_metadata: "nothing", state: { values: {} } },
  };
  const send = (body: string, at?: number) => world.answer(world.signRequest(body, at));
  await keepResponse("another workspace", world.callback({ ...dialog, team: { id: "T2" } }));
  await keepResponse("another app", world.callback({ ...dialog, api_app_id: "A2" }));
  await keepResponse("another dialog", world.callback(dialog));
  await keepResponse("another kind of callback", world.callback({ type: "shortcut" }));
  await keepResponse("no payload", send("nothing"));
  await keepResponse("too old", send("nothing", 1_000));
  await keepResponse("too large", send("x".repeat(1_000_001)));
};

/**
 * Plays every kind of delivery on the embedded implementation, then stores other data: pushes of other branches, API
 * keys, the policy, prediction records, and a retired model. Returns all traces.
 */
export const playDeliveries = async () => {
  const world = openDeliveryWorld();
  const play = driver(world);
  try {
    await changePolicy(world);
    await promoteTwo(world, play);
    await failTwo(world, play);
    await endTheOthers(world, play);
    await play.keepOutcome("a version that prod serves already", await play.deliverAgain("2"));
    await rollBackTwice(world, play);
    for (const before of [null, fakeCommit("8")])
      await world.pushes.recordBranch({ before, after: fakeCommit("9"), by: before && sam });
    await world.pushes.recordHand({ delivery: `${toyModel}-${"8".repeat(12)}-12345678`, by: null });
    await useKeys(world);
    await recordPredictions(world);
    for (const serving of [world.serving.stage, world.serving.prod]) await serving.retire(toyModel);
    await world.ledger.retire(toyModel, world.time.now);
    await sendOtherCallbacks(world, play);

    world.metrics.flush();
    const rows = (table: string) => world.database.prepare(`SELECT * FROM ${table}`).all();
    return {
      items: world.notes.items(),
      blobs: world.notes.blobs,
      versions: rows("model_versions"),
      aliases: world.notes.aliases(),
      totals: rows("totals"),
      executions: rows("executions"),
      columns: world.database
        .prepare(
          `SELECT t.name AS "table", c.name AS "column", c.type, c."notnull" AS required, c.pk AS "key"
           FROM main.sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'`,
        )
        .all(),
      imageTags: [...world.releases.keys()],
      slackCalls: world.notes.calls,
      callbackResponses: play.responses,
      startResults: play.results,
      outcomes: Object.fromEntries(play.outcomes),
    };
  } finally {
    world.engine.close();
    world.close();
  }
};
/** Everything that deliveries leave behind. */
export type Traces = Awaited<ReturnType<typeof playDeliveries>>;
