import { createApprovals, type NewApproval } from "#domain/approval/approvals.ts";
import type { ApprovalDecision } from "#domain/approval/decision.ts";
import { type FollowUp, finishApproval } from "#domain/approval/finish-approval.ts";
import { submitDecision } from "#domain/approval/submit-decision.ts";
import { answerApproval, type SlackCallback } from "#lambdas/answer-approval/answer-approval.ts";
import { moveChampion } from "#lambdas/move-champion/move-champion.ts";
import { reportOutcome } from "#lambdas/report-outcome/report-outcome.ts";
import { openQuestion } from "#lambdas/request-approval/open-question.ts";
import { rollBack } from "#lambdas/roll-back/roll-back.ts";
import { sweepDeliveries } from "#lambdas/sweep-deliveries/sweep-deliveries.ts";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import { outboxPartition, type Store } from "#platform/store/store.ts";
import { createMemoryWorld } from "#test/support/memory-world.ts";
import { plainCipher } from "#test/support/plain-cipher.ts";
import { createNewApproval } from "#test/support/record-approval.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { signSlackRequest } from "#worlds/embedded/desk/sign-slack-request.ts";
import { createSeededScheduler } from "./seeded-scheduler.ts";

const delivery = "toy-cccccccccccc";
/** Ada and Bob may decide; Sam made the change; Eve is no approver. */
const people = { ada: "U0ADA", bob: "U0BOB", sam: "U0SAM", eve: "U0EVE" } as const;
type Person = keyof typeof people;
const everyone: readonly Person[] = ["ada", "bob", "sam", "eve"];
const mayDecide: readonly [Person, ...Person[]] = ["ada", "bob"];
const verdicts = ["approved", "rejected"] as const;
type Verdict = (typeof verdicts)[number];

/** The longest process here has about fifty moments: most kills meet one. */
const latestKill = 50;

const findName = (user: string): string => everyone.find((person) => people[person] === user) ?? user;
const parseNames = (decision: ApprovalDecision): string => decision.by.map(({ name }) => name).join(", ");

/** What decides: the question, its list and its events. */
const decidingPartitions = ["approvals", "questions", outboxPartition];

/** The tested store for what decides. Messages, claims and the ledger stay in memory, which makes a story several times faster. */
const splitStore = (tested: Store, other: Store): Store => {
  const select = (partition: string): Store => (decidingPartitions.includes(partition) ? tested : other);
  return {
    get: (key) => select(key.partition).get(key),
    put: (key, value, options) => select(key.partition).put(key, value, options),
    remove: (key, options) => select(key.partition).remove(key, options),
    page: (query) => select(query.partition).page(query),
    add: (key, amounts, options) => select(key.partition).add(key, amounts, options),
    putAll: async (entries) => {
      for (const entry of entries) await select(entry.key.partition).putAll([entry]);
    },
  };
};

/** The task gets a decision without whose accounts its voters have, and how their answers came. */
const withoutPerson = (key: string, value: unknown): unknown =>
  ["person", "via", "account"].includes(key) ? undefined : value;

/**
 * One question from its opening to the last late click: clicks by several people in Slack and on the command line, Slack's
 * retries, repeated and lost invocations, sweeps, a later delivery that withdraws it, and deaths at any call. Returns what is
 * wrong; empty: exactly one decision.
 * @param store default: SQLite in memory
 */
export const runDecisionStory = async (
  seed: number,
  store?: Store,
): Promise<{ readonly wrong: readonly string[]; readonly log: readonly string[] }> => {
  const random = createSeededRandom(seed);
  const chance = (share: number): boolean => random() < share;
  const pick = <T>(values: readonly [T, ...T[]]): T =>
    values[Math.floor(random() * values.length)] ?? values[0];
  const kill = (share = 0.4): number =>
    chance(share) ? Math.floor(random() * latestKill) : Number.POSITIVE_INFINITY;

  const scheduler = createSeededScheduler(random);
  const { wrap, start, drive, log } = scheduler;
  const memory = createMemoryWorld({
    instrument: (plain) => wrap("store", store ? splitStore(store, plain) : plain),
    between: (capability) => wrap("Slack's channel", capability),
  });
  const { engine, time, clock } = memory;
  const { succeed } = engine.deliveries;
  /** As Step Functions' implementation: a repeated call finds its own result in the execution's history. */
  const deliveries: Deliveries = wrap("deliveries", {
    ...engine.deliveries,
    succeed: async (token, output, execution) => {
      const earlier = engine.answers.find((answer) => answer.token === token && answer.output !== undefined);
      if (earlier && JSON.stringify(earlier.output) === JSON.stringify(output)) return;
      await succeed(token, output, execution);
    },
  });
  const world = {
    ...memory,
    deliveries,
    approvals: createApprovals({ store: memory.store, cipher: wrap("cipher", plainCipher), deliveries }),
    slack: {
      ...memory.slack,
      users: wrap("slack.users", memory.slack.users),
      chat: wrap("slack.chat", memory.slack.chat),
      views: wrap("slack.views", { open: async () => ({ ok: true }) }),
    },
  };

  const quorum = pick([1, 1, 2]);
  const bobIsKnown = chance(0.6);
  const question: NewApproval = createNewApproval(memory, {
    delivery,
    letter: "c",
    version: 3,
    rule: {
      approvers: [people.ada, people.bob, people.sam],
      quorum,
      authorMayApprove: false,
      timeout: "PT24H",
    },
    contributors: {
      people: ["u0sam@example.com"],
      addresses: ["u0sam@example.com"],
      unmapped: [],
      approvers: [],
      leftOut: [],
      known: { domains: ["example.com"], elsewhere: [] },
      // An address that is missing here is looked up after the click.
      shown: (bobIsKnown ? everyone : everyone.filter((person) => person !== "bob")).map((person) => ({
        user: people[person],
        email: `${people[person].toLowerCase()}@example.com`,
      })),
    },
  });
  memory.engine.executions.set(delivery, {
    name: delivery,
    status: "RUNNING",
    input: { model: question.model, commit: question.commit },
    startedAt: "2026-01-01T00:00:00Z",
  });

  let tokens = 0;
  /** The Task's attempt: its token is the only one that counts. */
  const ask = async (killAt: number): Promise<boolean> => {
    const token = `token ${++tokens}`;
    engine.waiting.clear();
    engine.waiting.add(token);
    const asked = await start(`ask ${tokens}`, killAt, async () => {
      // As request-approval does, before its first write.
      await world.messages.expect(delivery);
      // Superseded: the step ends the task with that error.
      await openQuestion(world)(question, token, async () => undefined).catch((error: unknown) => {
        if (!(error instanceof Error) || error.name !== "Superseded") throw error;
        if (engine.waiting.delete(token))
          engine.answers.push({ token, error: { name: error.name, cause: error.message } });
      });
      return true;
    });
    return asked === true;
  };
  /** A Task is tried again after its function died; once it has a result, it is not. */
  const askUntilOpen = async (share: number): Promise<void> => {
    for (let attempt = 0; engine.answers.length === 0; attempt++)
      if (await ask(attempt < 2 ? kill(share) : Number.POSITIVE_INFINITY)) return;
  };
  const sweep = sweepDeliveries({
    ...world,
    rollBack: rollBack(memory),
    moveChampion: moveChampion(memory),
    reportOutcome: reportOutcome(memory),
  });

  const background: Promise<unknown>[] = [];
  /** Lambda tries an asynchronous invocation three times; a third of them is lost. */
  const invokeLater = async (followUp: FollowUp): Promise<void> => {
    if (chance(0.35)) return void log.push("a follow-up is lost");
    const attempt = async () => {
      for (let left = 3; left > 0; left--)
        if (
          await start("follow-up", kill(0.3), async () => {
            await finishApproval(world)(followUp);
            return true;
          })
        )
          return;
    };
    background.push(attempt());
  };
  const answer = answerApproval({
    ...world,
    startFollowUp: wrap("lambda", { invoke: invokeLater }).invoke,
    signingSecrets: async () => ["secret"],
    teamId: "T1",
    appId: "A1",
  });
  const sign = (person: Person, id: string, verdict: Verdict): SlackCallback => {
    const sender = {
      user: { id: people[person], username: person },
      team: { id: "T1" },
      api_app_id: "A1",
      trigger_id: "1.2",
      channel: { id: "C0DELIVERY" },
    };
    const payload =
      verdict === "approved"
        ? { ...sender, type: "block_actions", actions: [{ action_id: "approve", value: id }] }
        : {
            ...sender,
            type: "view_submission",
            view: {
              callback_id: "reject-reason",
              private_metadata: id,
              state: { values: { reason: { reason: { value: `no, says ${person}` } } } },
            },
          };
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const seconds = Math.floor(clock() / 1_000);
    return {
      rawBody: Buffer.from(body),
      headers: {
        "x-slack-request-timestamp": String(seconds),
        "x-slack-signature": signSlackRequest("secret", seconds, body),
      },
    };
  };
  const said: string[] = [];
  const callFromSlack = (name: string, callback: SlackCallback, killAt: number) =>
    start(name, killAt, async () => {
      const { status, body } = await answer(callback);
      said.push(body);
      return status;
    });
  /** Slack sends the same bytes again if no response came, or if it was lost. */
  const click = async (person: Person, id: string, verdict: Verdict): Promise<void> => {
    const callback = sign(person, id, verdict);
    for (let retry = 0; retry < 3; retry++) {
      const headers =
        retry === 0 ? {} : { "x-slack-retry-num": String(retry), "x-slack-retry-reason": "http_timeout" };
      const name = `${person} in Slack, ${verdict}, attempt ${retry + 1}`;
      const status = await callFromSlack(
        name,
        { ...callback, headers: { ...callback.headers, ...headers } },
        kill(),
      );
      if (status === 200 && !chance(0.2)) return;
    }
  };
  const decideByCommand = (person: Person, id: string, verdict: Verdict, killAt: number) =>
    start(`${person} by command, ${verdict}`, killAt, async () => {
      const { sentence } = await submitDecision(world)({
        approval: id,
        approver: { id: people[person], name: person },
        verdict,
        reason: verdict === "rejected" ? `no, says ${person}` : null,
      });
      said.push(sentence);
      return sentence;
    });

  /** Waits for everything that was started, also by what was started. */
  const finish = async (work: readonly Promise<unknown>[]): Promise<void> => {
    background.push(...work);
    while (background.length > 0) {
      const started = background.splice(0);
      await Promise.all([...started, drive()]);
    }
  };
  const alone = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    let result: T | undefined;
    const run = async () => {
      result = await work();
    };
    await finish([run()]);
    return result;
  };

  await alone(() => askUntilOpen(0.5));
  const [opened] = await world.approvals.ofDelivery(delivery);
  if (!opened) return { wrong: ["the question was not opened"], log };
  const { id } = opened;

  const several = [...Array(3 + Math.floor(random() * 5)).keys()].map(() => {
    const person = pick<Person>(["ada", "ada", "bob", "bob", "sam", "eve"]);
    const verdict = pick<Verdict>(["approved", "approved", "rejected"]);
    return chance(0.7) ? click(person, id, verdict) : decideByCommand(person, id, verdict, kill());
  });
  const isWithdrawn = chance(0.15);
  await finish([
    ...several,
    ...(chance(0.3) ? [askUntilOpen(0.3)] : []),
    ...(chance(0.6) ? [start("a sweep", kill(), () => sweep({}))] : []),
    ...(isWithdrawn
      ? [
          start("a later delivery", kill(), () =>
            world.approvals.withdraw(id, { name: "Superseded", cause: "a later commit" }),
          ),
        ]
      : []),
  ]);
  time.now += 120_000;
  await alone(() => start("the sweep", Number.POSITIVE_INFINITY, () => sweep({})));
  const wrong: string[] = [];
  const check = (holds: boolean, sentence: string) => {
    if (!holds) wrong.push(sentence);
  };
  const swept = await world.approvals.read(id);
  check(
    swept?.state.status !== "pending" || !swept.postponed,
    "the sweep left a vote that nobody has judged",
  );
  // Where too few votes were stored, two people vote now.
  for (const person of mayDecide)
    if ((await world.approvals.read(id))?.state.status === "pending")
      await alone(() => decideByCommand(person, id, "approved", Number.POSITIVE_INFINITY));

  const checkResult = async (when: string) => {
    const { answers } = engine;
    const state = (await world.approvals.read(id))?.state;
    check(answers.length === 1, `${when}: the task accepted ${answers.length} results`);
    if (state?.status === "withdrawn") {
      check(isWithdrawn && state.told, `${when}: withdrawn, and the task does not know`);
      check(answers[0]?.error?.name === "Superseded", `${when}: a withdrawn question sent a decision`);
      return undefined;
    }
    if (state?.status !== "sent") return void wrong.push(`${when}: the question is ${state?.status}`);
    check(
      JSON.stringify(answers[0]?.output) === JSON.stringify(state.decision, withoutPerson),
      `${when}: the task has another decision than the record`,
    );
    return state.decision;
  };
  const decision = await checkResult("after the sweep");
  if (decision) {
    const voters = new Set(decision.by.map(({ user }) => user));
    check(
      [...voters].every((user) => mayDecide.some((person) => people[person] === user)),
      `decided by ${[...voters].map(findName)}, who may not`,
    );
    check(
      voters.size === (decision.status === "approved" ? quorum : 1),
      `${voters.size} people decided, and the quorum is ${quorum}`,
    );
  }
  const counted = verdicts.map((verdict) =>
    memory.readMetricTotal("Approvals", { model: question.model, decision: verdict }),
  );
  check((counted[0] ?? 0) + (counted[1] ?? 0) <= 1, `the metrics count ${counted} decisions`);
  const events = (
    await memory.store.page({ partition: outboxPartition, order: "ascending", limit: 100 })
  ).items
    .map(({ value }) => JSON.stringify(value))
    .filter((text) => text.includes('"decided"'));
  check(events.length === (decision ? 1 : 0), `${events.length} events tell a decision`);
  const ending = decision ? `${decision.status} by ${parseNames(decision)}` : "withdrawn";
  for (const sentence of said)
    check(
      !/\b(approved|rejected) by /.test(sentence) || sentence.includes(ending),
      `somebody was told "${sentence}", but it is ${ending}`,
    );
  const [shown, another] = memory.slack.shown.values();
  check(another === undefined, "two messages show the question");
  check(
    shown?.question?.status === (decision?.status ?? "withdrawn"),
    `the message shows ${shown?.question?.status}`,
  );

  const late = decision ? `This was already ${ending}.` : "This approval was withdrawn.";
  const lateByCommand = await alone(() =>
    decideByCommand(pick(mayDecide), id, pick(verdicts), Number.POSITIVE_INFINITY),
  );
  check(lateByCommand === late, `late, by command, somebody was told "${lateByCommand}", not "${late}"`);
  const before = { notes: memory.notes.length, said: said.length };
  const verdict = pick(verdicts);
  await alone(() => callFromSlack("late", sign(pick(mayDecide), id, verdict), Number.POSITIVE_INFINITY));
  const notes = memory.notes.slice(before.notes).map(({ text }) => text);
  // A note, or the dialog's error. A lost invocation keeps only the note away.
  const told = [...notes, ...said.slice(before.said)].join(" ").trim();
  const isLost = verdict === "approved" && told === "";
  check(isLost || told.includes(late), `late, in Slack, somebody was told "${told}", not "${late}"`);
  await checkResult("after late clicks");
  memory.close();
  return { wrong, log };
};
