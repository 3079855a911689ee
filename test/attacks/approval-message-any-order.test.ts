import fc from "fast-check";
import { expect, test } from "vitest";
import { ApprovalDecision } from "#domain/approval/decision.ts";
import { finishApproval } from "#domain/approval/finish-approval.ts";
import { submitDecision } from "#domain/approval/submit-decision.ts";
import type { Outcome } from "#domain/delivery/outcomes.ts";
import { rollBackProd } from "#domain/rollback/roll-back-prod.ts";
import { claimEnvironment } from "#lambdas/claim-environment/claim-environment.ts";
import { deployModel } from "#lambdas/deploy-model/deploy-model.ts";
import { promoteModel } from "#lambdas/promote-model/promote-model.ts";
import { reportOutcome } from "#lambdas/report-outcome/report-outcome.ts";
import { requestApproval } from "#lambdas/request-approval/request-approval.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { shiftTraffic } from "#lambdas/shift-traffic/shift-traffic.ts";
import { sweepDeliveries } from "#lambdas/sweep-deliveries/sweep-deliveries.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { fakeDigest, toyModel } from "#test/support/toy-model.ts";

/** The process is dead: nothing after that call has an effect. */
class Killed extends Error {
  override readonly name = "Killed";
}

/** Wraps every call of the store, the engine and Slack, and kills the process before or after one of them. */
const createKillSwitch = () => {
  const state = { left: Number.POSITIVE_INFINITY, dead: false, calls: 0 };
  const step = () => {
    if (state.dead || --state.left < 0) {
      state.dead = true;
      throw new Killed("killed");
    }
    state.calls++;
  };
  const between = <Capability extends object>(capability: Capability): Capability =>
    new Proxy(capability, {
      get: (target, key, receiver) => {
        const method: unknown = Reflect.get(target, key, receiver);
        if (typeof method !== "function") return method;
        return async (...args: unknown[]) => {
          step();
          const result: unknown = await Reflect.apply(method, target, args);
          step();
          return result;
        };
      },
    });
  return {
    state,
    between,
    /** Runs `work`, killed at its nth moment; undefined: it was killed. */
    run: async <T>(at: number | null, work: () => Promise<T>): Promise<T | undefined> => {
      state.left = at ?? Number.POSITIVE_INFINITY;
      state.dead = false;
      try {
        return await work();
      } catch (error) {
        if (state.dead) return undefined;
        throw error;
      } finally {
        state.left = Number.POSITIVE_INFINITY;
        state.dead = false;
      }
    },
  };
};

const deliveryKeys = ["older", "newer"] as const;
type DeliveryKey = (typeof deliveryKeys)[number];
const letters = { older: "c", newer: "d" } as const;
const approvers = { U024BE7LH: "Ada", U0SECOND1: "Bob" } as const;
const slackApprover = "U024BE7LH";

/** The current state of a delivery, as the engine has it. */
type DeliveryPosition = {
  state: "claim" | "ask" | "wait" | "claim prod" | "deploy" | "shift" | "promote" | "back" | "report" | "end";
  fence: number;
  prodFence: number;
  baseline: number;
  token: string;
  decision: ApprovalDecision | undefined;
  functionVersion: string;
  championVersion: string | null;
  outcome: Outcome;
};

/** No contributors: contributors.test.ts covers them. */
const noContributors = {
  approversFor: async ({
    rule,
  }: {
    readonly rule: { readonly quorum: number; readonly approvers: readonly string[] };
  }) => ({
    approvers: rule.approvers,
    quorum: rule.quorum,
    contributors: { people: [], addresses: [], unmapped: [], approvers: [], leftOut: [] },
  }),
  assertApprovable: async () => undefined,
};

/** The state machine in a few lines, over the real steps: each `advance` runs one state, and a kill leaves it where it was. */
const createMachine = () => {
  const kill = createKillSwitch();
  const world = {
    ...createMemoryWorld({ instrument: kill.between, between: kill.between }),
    ...noContributors,
  };
  let tokens = 0;
  const positions = new Map<DeliveryKey, DeliveryPosition>(
    deliveryKeys.map((name) => [
      name,
      {
        state: "claim",
        fence: 0,
        prodFence: 0,
        baseline: 0,
        token: "",
        decision: undefined,
        functionVersion: "",
        championVersion: null,
        outcome: "failed",
      },
    ]),
  );
  const at = (name: DeliveryKey): DeliveryPosition => {
    const position = positions.get(name);
    if (!position) throw new Error(`unknown delivery ${name}`);
    return position;
  };
  const subject = (name: DeliveryKey) => ({
    delivery: name,
    model: toyModel,
    commit: world.commit(letters[name]),
  });
  const artefact = (name: DeliveryKey) => ({
    digest: fakeDigest(letters[name]),
    version: name === "older" ? 3 : 4,
  });
  const end = (name: DeliveryKey, outcome: Outcome) => Object.assign(at(name), { state: "back", outcome });

  const advance = async (name: DeliveryKey): Promise<void> => {
    const position = at(name);
    const target = subject(name);
    const input = { ...target, ...artefact(name) };
    const approval = position.decision?.approval ?? "";
    switch (position.state) {
      case "claim": {
        world.engine.executions.set(name, {
          name,
          status: "RUNNING",
          input: target,
          startedAt: new Date(world.time.now).toISOString(),
        });
        const requestedAt = world.time.now;
        const claim = await claimEnvironment(world)({
          ...target,
          environment: "stage",
          requestedAt,
          pusher: null,
        });
        if (claim.status === "granted") Object.assign(position, { state: "ask", fence: claim.fence });
        return;
      }
      case "ask": {
        // A new attempt of the same state has a new token, which makes the previous one invalid.
        world.engine.waiting.delete(position.token);
        position.token = `token-${++tokens}`;
        world.engine.waiting.add(position.token);
        const serving = await world.ledger.serving("prod", toyModel);
        await requestApproval(world)({
          ...input,
          taskToken: position.token,
          fence: position.fence,
          author: { name: "Sam", email: "sam@example.com" },
          pusher: null,
          baseline: serving?.sequence ?? 0,
          scanChecks: [],
          checks: [],
          omitted: [],
          timeoutSeconds: 86_400,
          provenance: null,
        });
        position.state = "wait";
        return;
      }
      case "wait": {
        const result = world.engine.answers.find(({ token }) => token === position.token);
        if (result?.error) end(name, "superseded");
        else if (result) {
          position.decision = ApprovalDecision.parse(result.output);
          if (position.decision.status === "approved") position.state = "claim prod";
          else end(name, "rejected");
        }
        return;
      }
      case "claim prod": {
        if (!position.decision) throw new Error("a delivery needs a decision to go to prod");
        const claim = await claimEnvironment(world)({
          ...input,
          approval,
          environment: "prod",
          requestedAt: 1,
          stageFence: position.fence,
          baseline: position.decision.baseline,
          approvedAt: position.decision.decidedAt,
        });
        if (claim.status === "stale") position.state = "ask";
        if (claim.status === "granted") Object.assign(position, { state: "deploy", prodFence: claim.fence });
        return;
      }
      case "deploy": {
        const deployed = await deployModel(world)({
          ...input,
          approval,
          environment: "prod",
          fence: position.prodFence,
        });
        const { functionVersion, championVersion } = deployed;
        Object.assign(position, { state: "shift", functionVersion, championVersion });
        return;
      }
      case "shift": {
        const { functionVersion, championVersion, prodFence: fence } = position;
        if (championVersion === null) throw new Error("a canary needs a champion");
        await shiftTraffic(world)({ ...target, fence, functionVersion, championVersion, step: 0 });
        position.state = "promote";
        return;
      }
      case "promote":
        await promoteModel(world)({
          ...input,
          approval,
          fence: position.prodFence,
          stageFence: position.fence,
          functionVersion: position.functionVersion,
          approvedBy: position.decision?.by ?? [],
        });
        Object.assign(position, { state: "report", outcome: "promoted" });
        return;
      case "back": {
        const { committed } = await rollBack(world)({ ...target, error: null });
        Object.assign(position, { state: "report", outcome: committed ? "promoted" : position.outcome });
        return;
      }
      case "report": {
        const execution = world.engine.executions.get(name);
        await reportOutcome(world)({ ...target, outcome: position.outcome, error: null });
        if (execution)
          world.engine.executions.set(name, {
            ...execution,
            status: "SUCCEEDED",
            output: { outcome: position.outcome },
          });
        position.state = "end";
        return;
      }
      case "end":
        return;
      default:
        position.state satisfies never;
    }
  };

  const step = (name: DeliveryKey, at: number | null) =>
    kill.run(at, () =>
      advance(name).catch((error: Error) => {
        if (kill.state.dead) throw error;
        // The Catch of every state.
        if (error.name === "Superseded") end(name, "superseded");
        else if (error.name !== "ProdChanged") end(name, "failed");
      }),
    );
  const quiet = {
    ...world,
    slack: {
      users: {
        info: async () => ({ ok: true as const, user: { profile: { email: "someone@example.com" } } }),
      },
      views: { open: async () => ({ ok: true as const }) },
      chat: { postEphemeral: async () => ({ ok: true as const }) },
    },
  };
  const click = async (
    name: DeliveryKey,
    user: string,
    verdict: "approved" | "rejected",
    at: number | null,
    which: "first" | "last",
  ) => {
    const approvals = await world.approvals.asked(name);
    const id = which === "first" ? approvals[0] : approvals.at(-1);
    if (id === undefined) return;
    const reason = verdict === "rejected" ? "no" : null;
    // The first approver clicks in Slack, where a vote without a known address is postponed; the other uses the command.
    await kill.run(at, async () => {
      if (user !== slackApprover)
        await submitDecision(quiet)({
          approval: id,
          approver: { id: user, name: user, email: "x@example.com" },
          verdict,
          reason,
        });
      else {
        await world.approvals.click(id, { user, name: user, verdict, reason, at: world.clock() });
        await finishApproval(quiet)({ followUp: "finish-approval", approval: id, explainTo: null });
      }
    });
  };
  const sweep = (at: number | null) =>
    kill.run(at, () =>
      sweepDeliveries({
        ...world,
        rollBack: rollBack(world),
        moveChampion: async () => ({ champion: 1, previous: null }),
        reportOutcome: reportOutcome(world),
      })({}),
    );
  const stop = (name: DeliveryKey) => {
    const execution = world.engine.executions.get(name);
    if (execution?.status !== "RUNNING") return;
    world.engine.executions.set(name, { ...execution, status: "ABORTED" });
    world.engine.waiting.delete(at(name).token);
    at(name).state = "end";
  };
  let rollbacks = 0;
  const back = (at: number | null) =>
    kill.run(at, () =>
      rollBackProd(world)({
        model: toyModel,
        id: `rollback-${++rollbacks}`,
        by: `ada: reason ${rollbacks}`,
      }).catch((error: Error) => {
        if (kill.state.dead || error.name !== "NothingBefore") throw error;
      }),
    );
  /** Runs several states, approves where the delivery waits, and is killed in the last state. */
  const walk = async (name: DeliveryKey, states: number, killAt: number | null) => {
    for (let left = states; left > 0; left--) {
      const last = left === 1 ? killAt : null;
      if (at(name).state === "wait") await click(name, "U024BE7LH", "approved", last, "last");
      await step(name, last);
    }
  };
  return { world, at, step, walk, click, sweep, stop, back };
};
type Machine = ReturnType<typeof createMachine>;

/** Invariants after one uninterrupted sweep. */
const assertInvariants = async ({ world, at }: Machine): Promise<void> => {
  for (const name of deliveryKeys) {
    const messages = [...world.slack.shown.values()].filter(({ delivery }) => delivery === name);
    const state = await world.messages.state(name);
    // There is one message, and it shows the facts.
    expect(messages).toEqual(state ? [state] : []);
    const [message] = messages;
    const questions = await world.approvals.ofDelivery(name);
    const last = questions.at(-1);
    const ended = await world.outcomes.read(name);
    // Reads the facts directly, not through the code that renders the message.
    expect(message?.outcome ?? null).toBe(ended?.outcome ?? null);
    if (last?.state.status === "decided" || last?.state.status === "sent")
      expect(message?.question?.status).toBe(last.state.decision.status);
    const waits = last?.state.status === "pending" && world.time.now < last.expiresAt && ended === undefined;
    expect(message?.question?.status === "open").toBe(waits);
    // Without a waiting task the token is deleted. A decision that is not sent yet keeps its token.
    for (const { state: approvalState, token } of questions)
      expect(token === null).toBe(
        approvalState.status === "sent" || (approvalState.status === "withdrawn" && approvalState.told),
      );
    if (message?.rolledBack) expect(message.rolledBack.by).toMatch(/^ada: reason \d/);
    if (at(name).state === "end") expect(message?.question?.status).not.toBe("open");
    // The engine gets one decision for each approval, and one result for each task.
    const decisions = world.engine.answers.flatMap(({ output }) =>
      output === undefined ? [] : [ApprovalDecision.parse(output)],
    );
    for (const { id } of questions)
      expect(
        new Set(decisions.filter(({ approval }) => approval === id).map((each) => JSON.stringify(each))).size,
      ).toBeLessThanOrEqual(1);
  }
  const { answers } = world.engine;
  expect(new Set(answers.map(({ token }) => token)).size).toBe(answers.length);
};

type Command = fc.AsyncCommand<object, Machine>;
const command = (text: string, run: (machine: Machine) => Promise<unknown>): Command => ({
  check: () => true,
  run: async (_, machine) => {
    // Time passes: a writer that died is overdue at the next sweep, one minute later.
    machine.world.time.now += 61_000;
    await run(machine);
  },
  toString: () => text,
});
const name = fc.constantFrom(...deliveryKeys);
/** The call at which the process dies; most processes survive. */
const killMoment = fc.option(fc.nat(60), { freq: 2, nil: null });
const commands: fc.Arbitrary<Command>[] = [
  ...Array.from({ length: 5 }, () =>
    fc
      .tuple(name, killMoment)
      .map(([key, at]) => command(`step(${key}, ${at})`, (machine) => machine.step(key, at))),
  ),
  fc
    .tuple(
      name,
      fc.constantFrom(...Object.keys(approvers), "U0OUTSIDE"),
      fc.constantFrom("approved" as const, "approved" as const, "rejected" as const),
      killMoment,
      fc.constantFrom("first" as const, "last" as const, "last" as const),
    )
    .map(([key, user, verdict, at, which]) =>
      command(`click(${key}, ${user}, ${verdict}, ${at}, ${which})`, (machine) =>
        machine.click(key, user, verdict, at, which),
      ),
    ),
  killMoment.map((at) => command(`sweep(${at})`, (machine) => machine.sweep(at))),
  killMoment.map((at) => command(`rollback(${at})`, (machine) => machine.back(at))),
  killMoment.map((at) => command(`rollback(${at})`, (machine) => machine.back(at))),
  ...Array.from({ length: 4 }, () =>
    fc
      .tuple(name, fc.integer({ min: 1, max: 9 }), killMoment)
      .map(([key, states, at]) =>
        command(`walk(${key}, ${states}, ${at})`, (machine) => machine.walk(key, states, at)),
      ),
  ),
  fc.oneof(
    name.map((key) => command(`stop(${key})`, async (machine) => machine.stop(key))),
    fc.constant(
      command("a day passes", async ({ world }) => {
        world.time.now += 86_400_000;
      }),
    ),
  ),
];

test("after any order of crash, click, retry, sweep, rollback and expiry the message shows the stored facts", async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 40, size: "max" }), async (moves) => {
      const machine = createMachine();
      try {
        await promoteVersion(machine.world, "a", 1);
        await promoteVersion(machine.world, "b", 2);
        await fc.asyncModelRun(() => ({ model: {}, real: machine }), moves);
        machine.world.time.now += 61_000;
        await machine.sweep(null);
        await assertInvariants(machine);
      } finally {
        machine.world.close();
      }
    }),
    { numRuns: 120 },
  );
});
