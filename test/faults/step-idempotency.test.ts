import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { submitDecision } from "#domain/approval/submit-decision.ts";
import { type StepName, stepNames } from "#statemachine/delivery.ts";
import type { EmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import { type PreparedWorld, prepareWorld } from "./prepare-world.ts";
import { rehearsedModel, startTestRehearsal } from "./test-rehearsal.ts";

let prepared: PreparedWorld;
beforeAll(async () => {
  prepared = await prepareWorld(["first"], "second");
});
afterAll(() => prepared?.close());

const tables = [
  "items",
  "model_versions",
  "model_aliases",
  "requests",
  "totals",
  "executions",
  "execution_events",
] as const;

/** What a second call may renew; `edited` and `block_id` are the desk's own marks of an edit. */
const renewableFields = new Set(["token", "expiresAt", "expires_at", "edited", "block_id"]);

/** The counters of the messages' items: how often Slack got an update, of which state, and when. */
const countedFields: Readonly<Record<string, readonly string[]>> = {
  messages: ["revision", "shown"],
  "messages-unshown": ["at"],
};
const dropCounters = (row: Record<string, unknown>): Record<string, unknown> => {
  const left = countedFields[String(row.partition)];
  if (!left) return row;
  const value = Object.entries(JSON.parse(String(row.value)) as object);
  return { ...row, value: Object.fromEntries(value.filter(([key]) => !left.includes(key))) };
};

/** JSON, also of columns that hold JSON, with keys in order and without what may be renewed. */
const canonicalize = (value: unknown): unknown => {
  if (typeof value === "string" && /^[{[]/.test(value)) return canonicalize(JSON.parse(value));
  if (typeof value === "string") return value.replace(/<!date\^[^>]*>/g, "");
  if (Array.isArray(value)) return value.map(canonicalize);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !renewableFields.has(key))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, held]) => [key, canonicalize(held)]),
  );
};

/**
 * Everything durable, a line each, except what a second call may renew: how often an item was written (an alias's
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

/** What of an answer must be the same: a rollback that finds all put back says so instead of "restored". */
const toComparableOutput = (name: string, answer: unknown): unknown => {
  const { restored: _, ...rest } = { restored: undefined, ...(answer as object | undefined) };
  return name === "roll-back" ? rest : answer;
};

/** Puts a second call behind every call of a step, a second of the clock later, and keeps what differed then. */
const runStepsTwice = (rehearsal: EmbeddedWorld, time: { offset: number }) => {
  const called = new Set<string>();
  const differences: string[] = [];
  const holds = new Map<string, { reached: PromiseWithResolvers<void>; go: PromiseWithResolvers<void> }>();

  const again = async <T>(name: string, call: () => Promise<T>, compare = true): Promise<T> => {
    const first = await call();
    const before = await readDurableState(rehearsal);
    time.offset += 1_000;
    const second = await call();
    called.add(name);
    const after = await readDurableState(rehearsal);
    for (const row of after)
      if (!before.includes(row)) differences.push(`${name} left, the second time, ${row.slice(0, 2_000)}`);
    if (after.length < before.length) differences.push(`${name} took something away the second time`);
    if (compare && !isDeepStrictEqual(toComparableOutput(name, first), toComparableOutput(name, second)))
      differences.push(`${name} answered ${JSON.stringify(first)}, then ${JSON.stringify(second)}`);
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
    /** Holds a step before its call, so that nothing moves beside what is compared. */
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
    after: prepared.commit,
    pusher: "sam.carter@example.com",
    runtime: prepared.machine.runtime,
    ...(models ? { models } : {}),
  };
  const atStage = twice.hold("claim-environment stage");
  const start = async () => {
    const { deliveries } = await rehearsal.steps.startDelivery(push);
    await atStage.reached;
    return deliveries;
  };
  // A start by hand is always another attempt: only a repeated push starts nothing new.
  const [started] = models ? await start() : await twice.again("start-delivery", start, false);
  const delivery = started?.name ?? "";
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
  const { folder } = prepared.story();
  const called = new Set<string>();
  for (const canaryFails of [true, false]) {
    const time = { offset: canaryFails ? 0 : 600_000 };
    const clock = () => Date.now() + time.offset;
    const rehearsal = await startTestRehearsal({ folder, machine: prepared.machine, canaryFails, clock });
    const twice = runStepsTwice(rehearsal, time);
    try {
      await rehearsal.begin();
      const outcome = await deliverTwice(rehearsal, twice, canaryFails ? undefined : [rehearsedModel]);
      expect(outcome).toBe(canaryFails ? "failed" : "promoted");
      if (!canaryFails) {
        // The sweep ends a delivery that is stopped in the middle.
        const inScan = twice.hold("scan-image");
        const { deliveries } = await rehearsal.steps.startDelivery({
          repository: "rehearsal",
          before: null,
          after: prepared.commit,
          pusher: "sam.carter@example.com",
          runtime: prepared.machine.runtime,
          models: [rehearsedModel],
        });
        const stopped = deliveries[0]?.name ?? "";
        await inScan.reached;
        rehearsal.engine.abort(stopped, "a test");
        await rehearsal.ended(stopped);
        expect((await rehearsal.world.outcomes.read(stopped))?.error?.name).toBe("Interrupted");
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
