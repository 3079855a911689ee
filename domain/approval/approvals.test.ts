import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import { fakeDeliveries, fakeDigest, memoryStore, plainCipher } from "#test/support/memory-world.ts";
import { createApprovals, type NewApproval, type Vote } from "./approvals.ts";
import type { ApprovalDecision } from "./decision.ts";

let opened: ReturnType<typeof memoryStore>;
let engine: ReturnType<typeof fakeDeliveries>;
let asked: ReturnType<typeof createApprovals>;
const start = (changes: Partial<Deliveries> = {}) =>
  createApprovals({ ...opened, cipher: plainCipher, deliveries: { ...engine.deliveries, ...changes } });
beforeEach(() => {
  opened = memoryStore();
  engine = fakeDeliveries();
  asked = start();
});
afterEach(() => opened.database.close());

const question: NewApproval = {
  delivery: "churn-1",
  model: "churn",
  commit: "c".repeat(40),
  digest: fakeDigest("d"),
  version: 2,
  baseline: 1,
  fence: 3,
  author: { name: "Sam", email: "sam@example.com" },
  pusher: "pat@example.com",
  contributors: null,
  evidence: { champion: "version 1", changed: [], checks: [], omitted: [] },
  rule: { approvers: ["U011", "U021", "U031"], quorum: 1, authorMayApprove: false, timeout: "PT24H" },
  askedAt: 1_000,
  expiresAt: 90_000,
};
const quorum = (count: number): NewApproval => ({ ...question, rule: { ...question.rule, quorum: count } });
const vote = (user: string, changes: Partial<Vote> = {}): Vote => ({
  user,
  name: `name of ${user}`,
  email: `${user.toLowerCase()}@example.com`,
  verdict: "approved",
  reason: null,
  at: 2_000,
  ...changes,
});
const ask = async (what = question, token = "token") => {
  engine.waiting.add(token);
  return (await asked.ask(what, token)).id;
};

describe("who may answer", () => {
  test("only those that the rule names", async () => {
    const id = await ask();
    expect((await asked.vote(id, vote("U091"))).result).toBe("refused");
    expect((await asked.vote(id, vote("U011"))).result).toBe("decided");
  });

  test.each([
    ["the author", "SAM@Example.COM"],
    ["the pusher", "Pat@EXAMPLE.com"],
  ])("%s may not, in whatever case the address is written", async (_, email) => {
    const id = await ask();
    expect((await asked.vote(id, vote("U011", { email }))).result).toBe("refused");
    expect((await asked.vote(id, vote("U011", { email, verdict: "rejected" }))).result).toBe("refused");
    expect((await asked.read(id))?.state).toEqual({ status: "pending", votes: [] });
  });

  test("someone without a known address could be the author, so may not", async () => {
    const id = await ask();
    expect((await asked.vote(id, vote("U011", { email: undefined }))).result).toBe("refused");
  });

  test("the author may where the rule says so, with or without a known address", async () => {
    const allowed = { ...quorum(2), rule: { ...question.rule, quorum: 2, authorMayApprove: true } };
    const id = await ask(allowed);
    expect((await asked.vote(id, vote("U011", { email: "sam@example.com" }))).result).toBe("counted");
    expect((await asked.vote(id, vote("U021", { email: undefined }))).result).toBe("decided");
  });
});

describe("how many", () => {
  test("a quorum of two needs two people, and the decision names both", async () => {
    const id = await ask(quorum(2));
    expect(await asked.vote(id, vote("U011"))).toMatchObject({ result: "counted", votes: 1, quorum: 2 });
    expect(await asked.vote(id, vote("U011"))).toMatchObject({ result: "counted", votes: 1 });
    const decided = await asked.vote(id, vote("U021"));
    expect(decided).toMatchObject({ result: "decided", decision: { status: "approved" } });
    expect(decided.result === "decided" && decided.decision.by.map(({ user }) => user)).toEqual([
      "U011",
      "U021",
    ]);
  });

  test("two that vote at once are both counted", async () => {
    const id = await ask(quorum(2));
    const results = await Promise.all([asked.vote(id, vote("U011")), asked.vote(id, vote("U021"))]);
    expect(results.map(({ result }) => result).sort()).toEqual(["counted", "decided"]);
  });

  test("who turns out to be a contributor when the question is asked again has not voted, and may not", async () => {
    const made = (...addresses: string[]) => ({
      ...quorum(2),
      contributors: { people: addresses, addresses, unmapped: [], approvers: [], leftOut: [] },
    });
    const id = await ask(made("sam@example.com"));
    expect((await asked.vote(id, vote("U011"))).result).toBe("counted");
    await ask(made("sam@example.com"), "again");
    expect((await asked.read(id))?.state).toMatchObject({ votes: [{ user: "U011" }] });
    await ask(made("sam@example.com", "u011@example.com"), "and again");
    expect((await asked.vote(id, vote("U011"))).result).toBe("refused");
    expect(await asked.vote(id, vote("U021"))).toMatchObject({ result: "counted", votes: 1 });
    expect((await asked.vote(id, vote("U031"))).result).toBe("decided");
  });

  test("a question asked again about other unmapped identities says by how much the quorum in force is raised", async () => {
    const unknown = (identity: string, raisedBy: number) => ({
      ...quorum(1 + raisedBy),
      raisedBy,
      contributors: {
        people: [],
        addresses: [],
        unmapped: [{ identity, why: "unknown" }],
        approvers: [],
        leftOut: [],
      },
    });
    const id = await ask(unknown("github:one", 1));
    await ask(unknown("github:two", 1), "again");
    const found = await asked.read(id);
    expect(found).toMatchObject({ rule: { quorum: 2 }, raisedBy: 1 });
    expect(found?.contributors?.unmapped).toHaveLength(2);
    await ask(unknown("github:three", 2), "and again");
    expect(await asked.read(id)).toMatchObject({ rule: { quorum: 3 }, raisedBy: 2 });
  });

  test("one rejection is enough, and is the rejecter's alone", async () => {
    const id = await ask(quorum(2));
    await asked.vote(id, vote("U011"));
    expect(await asked.vote(id, vote("U021", { verdict: "rejected", reason: "too early" }))).toMatchObject({
      result: "decided",
      decision: { status: "rejected", reason: "too early", by: [{ user: "U021" }] },
    });
  });
});

test("no vote counts from the moment of expiry on", async () => {
  const id = await ask();
  expect((await asked.vote(id, vote("U011", { at: 90_000 }))).result).toBe("expired");
  expect((await asked.vote(id, vote("U011", { at: 89_999 }))).result).toBe("decided");
});

test("a later click hears the decision that stands, whatever it says itself", async () => {
  const id = await ask();
  await asked.vote(id, vote("U011"));
  expect(await asked.vote(id, vote("U021", { verdict: "rejected" }))).toMatchObject({
    result: "already",
    decision: { status: "approved", by: [{ user: "U011" }] },
  });
});

test("nothing is sent before the decision, and after it once", async () => {
  const id = await ask();
  expect(await asked.send(id)).toBe("nothing to send");
  await asked.vote(id, vote("U011"));
  expect(await Promise.all([asked.send(id), asked.send(id)])).toContain("sent");
  expect(await asked.send(id)).toBe("nothing to send");
  expect(engine.answers).toHaveLength(1);
  expect(await asked.open()).toEqual([]);
});

test("a decision that could not be sent is sent by the next, unchanged", async () => {
  const id = await ask();
  await asked.vote(id, vote("U011"));
  const broken = start({ succeed: () => Promise.reject(new Error("unreachable")) });
  await expect(broken.send(id)).rejects.toThrow("unreachable");
  expect((await asked.open()).map((each) => each.id)).toEqual([id]);
  await asked.vote(id, vote("U021", { verdict: "rejected" }));
  expect(await asked.send(id)).toBe("sent");
  expect(engine.answers).toMatchObject([{ token: "token", output: { status: "approved" } }]);
});

test("an answer that no task took is not called sent", async () => {
  const id = await ask();
  await asked.vote(id, vote("U011"));
  engine.waiting.clear();
  expect(await asked.send(id)).toBe("gone");
  expect((await asked.read(id))?.state.status).toBe("decided");
});

test("a task that came back under a new token hears the decision that was made before", async () => {
  const id = await ask();
  await asked.vote(id, vote("U011"));
  await asked.send(id);
  expect(await ask(question, "newer")).toBe(id);
  expect(await asked.send(id)).toBe("sent");
  expect(engine.answers.map(({ token }) => token)).toEqual(["token", "newer"]);
  expect(engine.answers[0]?.output).toEqual(engine.answers[1]?.output);
});

test("another prod baseline is another question, for which no old vote counts", async () => {
  const id = await ask(quorum(2));
  await asked.vote(id, vote("U011"));
  const again = await ask({ ...quorum(2), baseline: 2 }, "second");
  expect(again).not.toBe(id);
  expect((await asked.read(again))?.state).toEqual({ status: "pending", votes: [] });
});

describe("withdrawing", () => {
  const superseded = { name: "Superseded", cause: "by a later delivery" };

  test("ends the waiting task with its error, and no vote counts any more", async () => {
    const id = await ask();
    expect(await asked.withdraw(id, superseded)).toBe(true);
    expect(engine.answers).toEqual([{ token: "token", error: superseded }]);
    expect((await asked.vote(id, vote("U011"))).result).toBe("withdrawn");
    expect(await asked.open()).toEqual([]);
  });

  test("killed before the task was told, it stays among the open ones and the next call tells it", async () => {
    const id = await ask();
    const killed = start({ fail: () => Promise.reject(new Error("killed")) });
    await expect(killed.withdraw(id, superseded)).rejects.toThrow("killed");
    expect((await asked.vote(id, vote("U011"))).result).toBe("withdrawn");
    expect((await asked.open("churn")).map((each) => each.id)).toEqual([id]);
    expect(await asked.withdraw(id, superseded)).toBe(true);
    expect(engine.answers).toEqual([{ token: "token", error: superseded }]);
    expect(await asked.open()).toEqual([]);
  });

  test("leaves a decision alone", async () => {
    const id = await ask();
    await asked.vote(id, vote("U011"));
    expect(await asked.withdraw(id, superseded)).toBe(false);
    expect(engine.answers).toEqual([]);
    expect(await asked.send(id)).toBe("sent");
  });

  test("closing ends the record of what nobody waits for, in each of its states", async () => {
    const pending = await ask();
    await asked.close(pending, "ended");
    expect((await asked.read(pending))?.state).toMatchObject({ status: "withdrawn", why: "ended" });
    const decided = await ask({ ...question, baseline: 7 }, "b");
    await asked.vote(decided, vote("U011"));
    await asked.close(decided, "ended");
    expect((await asked.read(decided))?.state).toMatchObject({
      status: "sent",
      decision: { status: "approved" },
    });
    expect(await asked.open()).toEqual([]);
    expect(engine.answers).toEqual([]);
  });
});

test("open lists one model's questions, not those of a model whose name begins alike", async () => {
  await ask();
  await ask({ ...question, model: "churn-eu" }, "b");
  expect((await asked.open("churn")).map(({ model }) => model)).toEqual(["churn"]);
  expect(await asked.open()).toHaveLength(2);
});

const move = fc.oneof(
  fc.record({
    kind: fc.constant("vote" as const),
    user: fc.constantFrom("U011", "U021", "U031", "U091"),
    verdict: fc.constantFrom("approved" as const, "approved" as const, "rejected" as const),
    late: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("send" as const),
    fault: fc.constantFrom("", "", "before", "after", "gone"),
  }),
  fc.record({ kind: fc.constant("ask" as const) }),
  fc.record({ kind: fc.constant("withdraw" as const), killed: fc.boolean() }),
);

test("whatever happens in whatever order, at most one decision is accepted by each task, and it never changes", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(move, { maxLength: 25 }),
      fc.integer({ min: 1, max: 2 }),
      async (moves, needed) => {
        const { store, database } = memoryStore();
        const { deliveries, waiting, answers } = fakeDeliveries();
        let fault = "";
        const under = createApprovals({
          store,
          cipher: plainCipher,
          deliveries: {
            ...deliveries,
            succeed: async (token, output) => {
              if (fault === "before") throw new Error("not reached");
              if (fault === "gone") waiting.delete(token);
              await deliveries.succeed(token, output);
              if (fault === "after") throw new Error("the answer was lost");
            },
            fail: async (token, error) => {
              if (fault === "killed") throw new Error("killed");
              await deliveries.fail(token, error);
            },
          },
        });
        let token = 0;
        const ended: string[] = [];
        const askAgain = async () => {
          // The engine gives a task one live token at a time.
          waiting.clear();
          waiting.add(`t${++token}`);
          const { id, state } = await under.ask(quorum(needed), `t${token}`);
          // Whoever asks under a withdrawn question ends the task, as request-approval does.
          if (state.status === "withdrawn") ended.push(`t${token}`);
          return id;
        };
        const id = await askAgain();
        let decision: ApprovalDecision | undefined;
        let withdrawn = false;
        for (const each of moves) {
          fault = "";
          if (each.kind === "vote") {
            const late = each.late && each.user !== "U011";
            const voted = await under.vote(
              id,
              vote(each.user, { verdict: each.verdict, at: late ? 99_999 : 2_000 }),
            );
            if (voted.result === "decided") {
              expect(decision).toBeUndefined();
              expect(withdrawn).toBe(false);
              expect(late || each.user === "U091").toBe(false);
              if (voted.decision.status === "approved") expect(voted.decision.by).toHaveLength(needed);
              decision = voted.decision;
            }
            if (voted.result === "already") expect(voted.decision).toEqual(decision);
          } else if (each.kind === "send") {
            fault = each.fault;
            await under.send(id).catch(() => undefined);
          } else if (each.kind === "ask") await askAgain();
          else {
            fault = each.killed ? "killed" : "";
            const took = await under.withdraw(id, { name: "Superseded", cause: "later" }).catch(() => true);
            expect(took).toBe(decision === undefined);
            withdrawn = took;
          }
        }
        // Whatever was interrupted, whoever comes next brings to its end what was decided.
        fault = "";
        await askAgain();
        await under.send(id);
        if (withdrawn) await under.withdraw(id, { name: "Superseded", cause: "later" });
        const outputs = answers.flatMap((answer) => (answer.output === undefined ? [] : [answer]));
        for (const { output } of outputs) expect(output).toEqual(decision);
        expect(new Set(outputs.map((answer) => answer.token)).size).toBe(outputs.length);
        if (decision) expect(outputs.map((answer) => answer.token)).toContain(`t${token}`);
        const told = answers.flatMap((answer) => (answer.error ? [answer.token] : []));
        if (withdrawn) expect([...told, ...ended]).toContain(`t${token}`);
        // Used is deleted: nobody can answer with what is kept of it.
        const kept = await under.read(id);
        expect(kept?.token === null).toBe(decision !== undefined || withdrawn);
        expect((await under.open()).length).toBe(decision || withdrawn ? 0 : 1);
        database.close();
      },
    ),
    { numRuns: 150 },
  ));
