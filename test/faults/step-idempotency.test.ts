import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { submitDecision } from "#domain/approval/submit-decision.ts";
import { type StepName, stepNames } from "#statemachine/delivery.ts";
import type { EmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import { type PreparedWorld, prepareWorld } from "./prepare-world.ts";
import { rehearsedModel, startTestRehearsal } from "./test-rehearsal.ts";

let base: PreparedWorld;
beforeAll(async () => {
  base = await prepareWorld(["first"], "second");
});
afterAll(() => base?.close());

const tables = [
  "items",
  "model_versions",
  "model_aliases",
  "requests",
  "totals",
  "executions",
  "execution_events",
] as const;

/** Fields that a second call may renew; `edited` and `block_id` are the desk's marks of an edit. */
const renewableFields = new Set(["token", "expiresAt", "expires_at", "edited", "block_id"]);
/** The expiry, as Slack shows it and as the notification says it, to the minute. */
const renewableText = /<!date\^[^>]*>|expires \d{4}-\d\d-\d\d \d\d:\d\d UTC/g;

/** Counters of the messages' items: how often, when and with which state Slack got an update. */
const countedFields: Readonly<Record<string, readonly string[]>> = {
  messages: ["revision", "shown"],
  "messages-unshown": ["at"],
};
const dropCounters = (row: Record<string, unknown>): Record<string, unknown> => {
  const counters = countedFields[String(row.partition)];
  if (!counters) return row;
  const value = Object.entries(JSON.parse(String(row.value)) as object);
  return { ...row, value: Object.fromEntries(value.filter(([key]) => !counters.includes(key))) };
};

/** JSON with sorted keys and without renewable fields, also for columns that contain JSON. */
const canonicalize = (value: unknown): unknown => {
  if (typeof value === "string" && /^[{[]/.test(value)) return canonicalize(JSON.parse(value));
  if (typeof value === "string") return value.replace(renewableText, "");
  if (Array.isArray(value)) return value.map(canonicalize);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !renewableFields.has(key))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, canonicalize(inner)]),
  );
};

/**
 * All durable data, one line each, without what a second call may renew: how often an item was written (an alias's
 * count is its revision, and stays), and for a repeated approval request the encrypted token and the expiry, which belong
 * to the task that waits now.
 */
const readDurableState = async ({ world }: EmbeddedWorld): Promise<readonly string[]> => {
  // Reading statistics writes the pending metrics to the file.
  const window = { environment: "prod", model: rehearsedModel, version: "1", from: 0, to: 1 } as const;
  await world.metrics.statistics(window, { percentiles: [] });
  const rows = tables.flatMap((table) =>
    world.database
      .prepare(`SELECT * FROM ${table}`)
      .all()
      .map((row) => (table === "items" && row.sort !== "alias" ? { ...dropCounters(row), version: 0 } : row)),
  );
  // Without the Web API, because so many reads would hit its rate limits.
  const database = new DatabaseSync(world.folder.desk, { readOnly: true });
  const desk = database.prepare("SELECT body FROM message ORDER BY ts").all();
  database.close();
  return [...rows, ...desk].map((row) => JSON.stringify(canonicalize(row)));
};

/** The part of a result that must be the same. A second rollback has nothing to restore, so its "restored" differs. */
const toComparableOutput = (name: string, result: unknown): unknown => {
  const { restored: _, ...rest } = { restored: undefined, ...(result as object | undefined) };
  return name === "roll-back" ? rest : result;
};

/** Calls every step twice, the second time a minute of the clock later, so that each text with a time in it differs. */
const runStepsTwice = (rehearsal: EmbeddedWorld, time: { offset: number }) => {
  const called = new Set<string>();
  const differences: string[] = [];
  const holds = new Map<string, { reached: PromiseWithResolvers<void>; go: PromiseWithResolvers<void> }>();

  const again = async <T>(name: string, call: () => Promise<T>, compare = true): Promise<T> => {
    const first = await call();
    const before = await readDurableState(rehearsal);
    time.offset += 61_000;
    const second = await call();
    called.add(name);
    const after = await readDurableState(rehearsal);
    for (const row of after)
      if (!before.includes(row)) differences.push(`${name} changed a row again: ${row.slice(0, 2_000)}`);
    if (after.length < before.length) differences.push(`${name} removed a row in the second call`);
    if (compare && !isDeepStrictEqual(toComparableOutput(name, first), toComparableOutput(name, second)))
      differences.push(`${name} returned ${JSON.stringify(first)}, then ${JSON.stringify(second)}`);
    return first;
  };

  const { machine } = rehearsal.steps;
  const wrap = <Name extends StepName>(name: Name, step: (typeof machine)[Name]) => {
    const call = step as (event: unknown) => Promise<unknown>;
    const twice = async (event: unknown) => {
      const { environment = "" } = event as { environment?: string };
      const hold = holds.get(`${name} ${environment}`.trim());
      hold?.reached.resolve();
      await hold?.go.promise;
      return again(name, () => call(event));
    };
    machine[name] = twice as (typeof machine)[Name];
  };
  for (const name of stepNames) wrap(name, machine[name]);
  const { sweepDeliveries } = rehearsal.steps;
  rehearsal.steps.sweepDeliveries = (event) => again("sweep-deliveries", () => sweepDeliveries(event), false);

  return {
    called,
    differences,
    again,
    /** Holds a step before its call, so that nothing else changes during a comparison. */
    hold: (step: string) => {
      const hold = { reached: Promise.withResolvers<void>(), go: Promise.withResolvers<void>() };
      holds.set(step, hold);
      return {
        reached: hold.reached.promise,
        release: () => {
          holds.delete(step);
          hold.go.resolve();
        },
      };
    },
  };
};

/** Starts a delivery and approves it, each twice; every step in between runs twice by itself. */
const deliverTwice = async (
  rehearsal: EmbeddedWorld,
  twice: ReturnType<typeof runStepsTwice>,
  models?: string[],
) => {
  const push = {
    repository: "rehearsal",
    before: null,
    after: base.commit,
    pusher: "sam.carter@example.com",
    runtime: base.machine.runtime,
    ...(models ? { models } : {}),
  };
  const atStage = twice.hold("claim-environment stage");
  const start = async () => {
    const { deliveries } = await rehearsal.steps.startDelivery(push);
    await atStage.reached;
    return deliveries;
  };
  // A start by hand is always a new attempt; only a repeated push starts nothing.
  const [first] = models ? await start() : await twice.again("start-delivery", start, false);
  const delivery = first?.name ?? "";
  atStage.release();

  await Promise.race([
    rehearsal.asked(delivery),
    rehearsal.ended(delivery).then(() => Promise.reject(new Error(twice.differences.join("; ")))),
  ]);
  const [question] = await rehearsal.world.approvals.open();
  const atProd = twice.hold("claim-environment prod");
  const approver = { id: question?.rule.approvers[0] ?? "", name: "ada" };
  await twice.again(
    "answer-approval",
    async () => {
      const decision = { approval: question?.id ?? "", approver, verdict: "approved", reason: null } as const;
      const result = await submitDecision(rehearsal.world)(decision);
      await atProd.reached;
      return result;
    },
    false,
  );
  atProd.release();
  await rehearsal.ended(delivery);
  return (await rehearsal.world.outcomes.read(delivery))?.outcome;
};

test("every step that runs twice with the same input has the effect of one run and returns the same result", async () => {
  const { folder } = base.story();
  const called = new Set<string>();
  for (const canaryFails of [true, false]) {
    const time = { offset: canaryFails ? 0 : 600_000 };
    const clock = () => Date.now() + time.offset;
    const rehearsal = await startTestRehearsal({ folder, machine: base.machine, canaryFails, clock });
    const twice = runStepsTwice(rehearsal, time);
    try {
      await rehearsal.begin();
      const outcome = await deliverTwice(rehearsal, twice, canaryFails ? undefined : [rehearsedModel]);
      expect(outcome).toBe(canaryFails ? "failed" : "promoted");
      if (!canaryFails) {
        // The sweep ends a delivery that is stopped before its end.
        const inScan = twice.hold("scan-image");
        const { deliveries } = await rehearsal.steps.startDelivery({
          repository: "rehearsal",
          before: null,
          after: base.commit,
          pusher: "sam.carter@example.com",
          runtime: base.machine.runtime,
          models: [rehearsedModel],
        });
        const name = deliveries[0]?.name ?? "";
        await inScan.reached;
        rehearsal.engine.abort(name, "a test");
        await rehearsal.ended(name);
        expect((await rehearsal.world.outcomes.read(name))?.error?.name).toBe("Interrupted");
      }
      expect(twice.differences).toEqual([]);
      for (const name of twice.called) called.add(name);
    } finally {
      await rehearsal.stop();
    }
  }
  expect([...called].sort()).toEqual(
    [...stepNames, "answer-approval", "start-delivery", "sweep-deliveries"].sort(),
  );
});
