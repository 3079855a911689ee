import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import { fakeDeliveries } from "#test/support/fake-deliveries.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { plainCipher } from "#test/support/plain-cipher.ts";
import { fakeDigest } from "#test/support/toy-model.ts";
import { createApprovals, type NewApproval, type Vote } from "./approvals.ts";
import type { ApprovalDecision } from "./decision.ts";
import { emptyIdentities, type Identities } from "./identities.ts";

let opened: ReturnType<typeof memoryStore>;
let engine: ReturnType<typeof fakeDeliveries>;
let approvals: ReturnType<typeof createApprovals>;
const start = (changes: Partial<Deliveries> = {}) =>
  createApprovals({ ...opened, cipher: plainCipher, deliveries: { ...engine.deliveries, ...changes } });
beforeEach(() => {
  opened = memoryStore();
  engine = fakeDeliveries();
  approvals = start();
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
const ask = async (newApproval = question, token = "token") => {
  engine.waiting.add(token);
  return (await approvals.ask(newApproval, token)).id;
};

describe("a vote in Slack whose voter's address is missing", () => {
  const click = async (id: string, at: number, verdict: Vote["verdict"] = "approved") => {
    const { email: _, ...clicked } = vote("U011", { at, verdict });
    expect((await approvals.click(id, clicked)).result).toBe("postponed");
    const postponed = (await approvals.read(id))?.postponed ?? [];
    expect(postponed).toMatchObject([{ user: "U011", verdict, at }]);
    return postponed[0] ?? Promise.reject(new Error("the vote is stored"));
  };
  const judge = (id: string, postponed: Awaited<ReturnType<typeof click>>, email?: string) =>
    approvals.judge(id, postponed, { email, at: 3_000 });

  test("counts for nothing until it is judged, and then as a vote with an address", async () => {
    const id = await ask();
    const postponed = await click(id, 2_000);
    expect((await approvals.read(id))?.state).toEqual({ status: "pending", votes: [] });
    expect(await judge(id, postponed, "ann@example.com")).toMatchObject({ result: "decided" });
    expect((await approvals.read(id))?.postponed).toBeUndefined();
  });

  test("that its voter replaced decides nothing, and the newer one stays", async () => {
    const id = await ask();
    const older = await click(id, 2_000);
    const newer = await click(id, 2_001, "rejected");
    expect(await judge(id, older, "ann@example.com")).toBeUndefined();
    expect(await approvals.read(id)).toMatchObject({ state: { status: "pending" }, postponed: [newer] });
    await approvals.dropPostponed(id, older);
    expect((await approvals.read(id))?.postponed).toEqual([newer]);
  });

  test("is judged once, and is refused if the voter is the author or has no address", async () => {
    const id = await ask(quorum(2));
    const postponed = await click(id, 2_000);
    for (const email of ["Sam@example.com", undefined])
      expect(await judge(id, postponed, email)).toMatchObject({ result: "refused" });
    expect(await judge(id, postponed, "ann@example.com")).toMatchObject({ result: "counted" });
    expect(await judge(id, postponed, "ann@example.com")).toBeUndefined();
  });

  test("stays while another approver's vote is counted, and does not count after the decision", async () => {
    const id = await ask();
    const postponed = await click(id, 2_000);
    await approvals.vote(id, vote("U021"));
    expect(await judge(id, postponed)).toMatchObject({ result: "already" });
  });

  test("is judged by the time of the judgement, so it never counts without a waiting task", async () => {
    const id = await ask();
    const postponed = await click(id, 89_999);
    const late = { email: "ann@example.com", at: 90_000 };
    expect(await approvals.judge(id, postponed, late)).toMatchObject({ result: "expired" });
  });
});

describe("who may vote", () => {
  test("only the approvers that the rule names may vote", async () => {
    const id = await ask();
    expect((await approvals.vote(id, vote("U091"))).result).toBe("refused");
    expect((await approvals.vote(id, vote("U011"))).result).toBe("decided");
  });

  test.each([
    ["the author", "SAM@Example.COM"],
    ["the pusher", "Pat@EXAMPLE.com"],
  ])("%s may not vote, in any case of the address", async (_, email) => {
    const id = await ask();
    expect((await approvals.vote(id, vote("U011", { email }))).result).toBe("refused");
    expect((await approvals.vote(id, vote("U011", { email, verdict: "rejected" }))).result).toBe("refused");
    expect((await approvals.read(id))?.state).toEqual({ status: "pending", votes: [] });
  });

  test("an approver without a known address may be the author, so may not vote", async () => {
    const id = await ask();
    expect((await approvals.vote(id, vote("U011", { email: undefined }))).result).toBe("refused");
  });

  test("the author may vote if the rule allows it, with or without a known address", async () => {
    const allowed = { ...question, rule: { ...question.rule, authorMayApprove: true } };
    for (const [delivery, email] of [
      ["churn-1", "sam@example.com"],
      ["churn-2", undefined],
    ] as const)
      expect(
        (await approvals.vote(await ask({ ...allowed, delivery }), vote("U011", { email }))).result,
      ).toBe("decided");
  });
});

describe("the quorum", () => {
  test("of two needs two people, and the decision names both", async () => {
    const id = await ask(quorum(2));
    expect(await approvals.vote(id, vote("U011"))).toMatchObject({ result: "counted", votes: 1, quorum: 2 });
    expect(await approvals.vote(id, vote("U011"))).toMatchObject({ result: "counted", votes: 1 });
    const decided = await approvals.vote(id, vote("U021"));
    expect(decided).toMatchObject({ result: "decided", decision: { status: "approved" } });
    expect(decided.result === "decided" && decided.decision.by.map(({ user }) => user)).toEqual([
      "U011",
      "U021",
    ]);
  });

  test("counts both of two simultaneous votes", async () => {
    const id = await ask(quorum(2));
    const results = await Promise.all([approvals.vote(id, vote("U011")), approvals.vote(id, vote("U021"))]);
    expect(results.map(({ result }) => result).sort()).toEqual(["counted", "decided"]);
  });

  test("drops the vote of an approver who turns out to be a contributor", async () => {
    const withContributors = (...addresses: string[]) => ({
      ...quorum(2),
      contributors: { people: addresses, addresses, unmapped: [], approvers: [], leftOut: [] },
    });
    const id = await ask(withContributors("sam@example.com"));
    expect((await approvals.vote(id, vote("U011"))).result).toBe("counted");
    await ask(withContributors("sam@example.com"), "again");
    expect((await approvals.read(id))?.state).toMatchObject({ votes: [{ user: "U011" }] });
    await ask(withContributors("sam@example.com", "u011@example.com"), "and again");
    expect((await approvals.vote(id, vote("U011"))).result).toBe("refused");
    expect(await approvals.vote(id, vote("U021"))).toMatchObject({ result: "counted", votes: 1 });
    expect((await approvals.vote(id, vote("U031"))).result).toBe("decided");
  });

  test("keeps the number of extra approvals that belongs to it when the approval is requested again", async () => {
    const withUnmapped = (identity: string, raisedBy: number) => ({
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
    const id = await ask(withUnmapped("github:one", 1));
    await ask(withUnmapped("github:two", 1), "again");
    const approval = await approvals.read(id);
    expect(approval).toMatchObject({ rule: { quorum: 2 }, raisedBy: 1 });
    expect(approval?.contributors?.unmapped).toHaveLength(2);
    await ask(withUnmapped("github:three", 2), "and again");
    expect(await approvals.read(id)).toMatchObject({ rule: { quorum: 3 }, raisedBy: 2 });
  });

  test("does not matter for a rejection: one is enough, and the decision names its approver alone", async () => {
    const id = await ask(quorum(2));
    await approvals.vote(id, vote("U011"));
    expect(
      await approvals.vote(id, vote("U021", { verdict: "rejected", reason: "too early" })),
    ).toMatchObject({
      result: "decided",
      decision: { status: "rejected", reason: "too early", by: [{ user: "U021" }] },
    });
  });
});

test("no vote counts from the expiry on", async () => {
  const id = await ask();
  expect((await approvals.vote(id, vote("U011", { at: 90_000 }))).result).toBe("expired");
  expect((await approvals.vote(id, vote("U011", { at: 89_999 }))).result).toBe("decided");
});

test("a later vote changes nothing and gets the first decision", async () => {
  const id = await ask();
  await approvals.vote(id, vote("U011"));
  expect(await approvals.vote(id, vote("U021", { verdict: "rejected" }))).toMatchObject({
    result: "already",
    decision: { status: "approved", by: [{ user: "U011" }] },
  });
});

test("nothing is sent before the decision, and the decision is sent once", async () => {
  const id = await ask();
  expect(await approvals.send(id)).toBe("nothing to send");
  await approvals.vote(id, vote("U011"));
  expect(await Promise.all([approvals.send(id), approvals.send(id)])).toContain("sent");
  expect(await approvals.send(id)).toBe("nothing to send");
  expect(engine.answers).toHaveLength(1);
  expect(await approvals.open()).toEqual([]);
});

test("a decision that could not be sent is sent by the next call, unchanged", async () => {
  const id = await ask();
  await approvals.vote(id, vote("U011"));
  const broken = start({ succeed: () => Promise.reject(new Error("unreachable")) });
  await expect(broken.send(id)).rejects.toThrow("unreachable");
  expect((await approvals.open()).map((each) => each.id)).toEqual([id]);
  await approvals.vote(id, vote("U021", { verdict: "rejected" }));
  expect(await approvals.send(id)).toBe("sent");
  expect(engine.answers).toMatchObject([{ token: "token", output: { status: "approved" } }]);
});

test("a decision that no task accepted does not count as sent", async () => {
  const id = await ask();
  await approvals.vote(id, vote("U011"));
  engine.waiting.clear();
  expect(await approvals.send(id)).toBe("gone");
  expect((await approvals.read(id))?.state.status).toBe("decided");
});

test("a task that came back under a new token receives the earlier decision", async () => {
  const id = await ask();
  await approvals.vote(id, vote("U011"));
  await approvals.send(id);
  expect(await ask(question, "newer")).toBe(id);
  expect(await approvals.send(id)).toBe("sent");
  expect(engine.answers.map(({ token }) => token)).toEqual(["token", "newer"]);
  expect(engine.answers[0]?.output).toEqual(engine.answers[1]?.output);
});

test("another baseline on prod is another approval, without the old votes", async () => {
  const id = await ask(quorum(2));
  await approvals.vote(id, vote("U011"));
  const again = await ask({ ...quorum(2), baseline: 2 }, "second");
  expect(again).not.toBe(id);
  expect((await approvals.read(again))?.state).toEqual({ status: "pending", votes: [] });
});

describe("a withdrawal", () => {
  const superseded = { name: "Superseded", cause: "by a later delivery" };

  test("ends the waiting task with its error, and no later vote counts", async () => {
    const id = await ask();
    expect(await approvals.withdraw(id, superseded)).toBe(true);
    expect(engine.answers).toEqual([{ token: "token", error: superseded }]);
    expect((await approvals.vote(id, vote("U011"))).result).toBe("withdrawn");
    expect(await approvals.open()).toEqual([]);
  });

  test("that a crash kept from the task stays open, and the next call ends the task", async () => {
    const id = await ask();
    const killed = start({ fail: () => Promise.reject(new Error("killed")) });
    await expect(killed.withdraw(id, superseded)).rejects.toThrow("killed");
    expect((await approvals.vote(id, vote("U011"))).result).toBe("withdrawn");
    expect((await approvals.open("churn")).map((each) => each.id)).toEqual([id]);
    expect(await approvals.withdraw(id, superseded)).toBe(true);
    expect(engine.answers).toEqual([{ token: "token", error: superseded }]);
    expect(await approvals.open()).toEqual([]);
  });

  test("does not change a decision", async () => {
    const id = await ask();
    await approvals.vote(id, vote("U011"));
    expect(await approvals.withdraw(id, superseded)).toBe(false);
    expect(engine.answers).toEqual([]);
    expect(await approvals.send(id)).toBe("sent");
  });

  test("by close ends an approval that no task waits for, in every state", async () => {
    const pending = await ask();
    await approvals.close(pending, "ended");
    expect((await approvals.read(pending))?.state).toMatchObject({ status: "withdrawn", why: "ended" });
    const decided = await ask({ ...question, baseline: 7 }, "b");
    await approvals.vote(decided, vote("U011"));
    await approvals.close(decided, "ended");
    expect((await approvals.read(decided))?.state).toMatchObject({
      status: "sent",
      decision: { status: "approved" },
    });
    expect(await approvals.open()).toEqual([]);
    expect(engine.answers).toEqual([]);
  });
});

test("open lists the approvals of one model, not those of a model whose name starts the same", async () => {
  await ask();
  await ask({ ...question, model: "churn-eu" }, "b");
  expect((await approvals.open("churn")).map(({ model }) => model)).toEqual(["churn"]);
  expect(await approvals.open()).toHaveLength(2);
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
    failure: fc.constantFrom("", "", "before", "after", "gone"),
  }),
  fc.record({ kind: fc.constant("ask" as const) }),
  fc.record({ kind: fc.constant("withdraw" as const), killed: fc.boolean() }),
);

test("in any order of events each task accepts at most one decision, and the decision never changes", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(move, { maxLength: 25 }),
      fc.integer({ min: 1, max: 2 }),
      async (moves, needed) => {
        const { store, database } = memoryStore();
        const { deliveries, waiting, answers } = fakeDeliveries();
        let failure = "";
        const tested = createApprovals({
          store,
          cipher: plainCipher,
          deliveries: {
            ...deliveries,
            succeed: async (token, output) => {
              if (failure === "before") throw new Error("not reached");
              if (failure === "gone") waiting.delete(token);
              await deliveries.succeed(token, output);
              if (failure === "after") throw new Error("the answer was lost");
            },
            fail: async (token, error) => {
              if (failure === "killed") throw new Error("killed");
              await deliveries.fail(token, error);
            },
          },
        });
        let token = 0;
        const ended: string[] = [];
        const askAgain = async () => {
          // The engine has one live token for each task.
          waiting.clear();
          waiting.add(`t${++token}`);
          const { id, state } = await tested.ask(quorum(needed), `t${token}`);
          // As request-approval does.
          if (state.status === "withdrawn") ended.push(`t${token}`);
          return id;
        };
        const id = await askAgain();
        let decision: ApprovalDecision | undefined;
        let withdrawn = false;
        for (const each of moves) {
          failure = "";
          if (each.kind === "vote") {
            const late = each.late && each.user !== "U011";
            const result = await tested.vote(
              id,
              vote(each.user, { verdict: each.verdict, at: late ? 99_999 : 2_000 }),
            );
            if (result.result === "decided") {
              expect(decision).toBeUndefined();
              expect(withdrawn).toBe(false);
              expect(late || each.user === "U091").toBe(false);
              if (result.decision.status === "approved") expect(result.decision.by).toHaveLength(needed);
              decision = result.decision;
            }
            if (result.result === "already") expect(result.decision).toEqual(decision);
          } else if (each.kind === "send") {
            failure = each.failure;
            await tested.send(id).catch(() => undefined);
          } else if (each.kind === "ask") await askAgain();
          else {
            failure = each.killed ? "killed" : "";
            const isWithdrawn = await tested
              .withdraw(id, { name: "Superseded", cause: "later" })
              .catch(() => true);
            expect(isWithdrawn).toBe(decision === undefined);
            withdrawn = isWithdrawn;
          }
        }
        // The next calls finish what was interrupted.
        failure = "";
        await askAgain();
        await tested.send(id);
        if (withdrawn) await tested.withdraw(id, { name: "Superseded", cause: "later" });
        const outputs = answers.flatMap((answer) => (answer.output === undefined ? [] : [answer]));
        const sent = decision && {
          ...decision,
          by: decision.by.map(({ user, name, at }) => ({ user, name, at })),
        };
        for (const { output } of outputs) expect(output).toEqual(sent);
        expect(new Set(outputs.map((answer) => answer.token)).size).toBe(outputs.length);
        if (decision) expect(outputs.map((answer) => answer.token)).toContain(`t${token}`);
        const failed = answers.flatMap((answer) => (answer.error ? [answer.token] : []));
        if (withdrawn) expect([...failed, ...ended]).toContain(`t${token}`);
        // A used token is deleted.
        const kept = await tested.read(id);
        expect(kept?.token === null).toBe(decision !== undefined || withdrawn);
        expect((await tested.open()).length).toBe(decision || withdrawn ? 0 : 1);
        database.close();
      },
    ),
    { numRuns: 150 },
  ));

describe("two accounts of one person where more than one approver has to agree", () => {
  const contributors: NewApproval["contributors"] = {
    ...{ people: [], addresses: [], unmapped: [], approvers: [], leftOut: [], shown: [] },
    known: { domains: "any", elsewhere: [] },
  };
  const two = (authorMayApprove: boolean): NewApproval => ({
    ...quorum(2),
    contributors,
    rule: { ...quorum(2).rule, authorMayApprove },
  });
  const identities: Identities = {
    ...emptyIdentities,
    people: {
      "ann@example.com": { logins: [], arns: [], emails: ["ann@partner.example"], slack: "U031" },
    },
  };
  beforeEach(() => {
    approvals = createApprovals({
      ...{ ...opened, cipher: plainCipher, deliveries: engine.deliveries },
      policy: { find: async () => ({ identities }) as never },
    });
  });

  test.each([
    ["one address", "bob@example.com", "Bob+other@example.com", "U021"],
    ["two addresses of a person", "ann@example.com", "ann@partner.example", "U021"],
    ["an account that the map lists", "ann@partner.example", undefined, "U031"],
  ])(
    "count once by what the votes show, although Slack was down at the question: %s",
    async (_, first, second, user) => {
      const id = await ask(two(true));
      expect(await approvals.vote(id, vote("U011", { email: first }))).toMatchObject({
        result: "counted",
        votes: 1,
      });
      expect(await approvals.vote(id, vote(user, { email: second }))).toMatchObject({
        result: "counted",
        votes: 1,
      });
      const other = user === "U031" ? "U021" : "U031";
      expect((await approvals.vote(id, vote(other, { email: "cy@example.com" }))).result).toBe(
        other === "U031" && second === "ann@partner.example" ? "counted" : "decided",
      );
    },
  );

  test.each([true, false])(
    "a click waits for its address, and is judged by it (authors may approve: %s)",
    async (may) => {
      const id = await ask(two(may));
      const { email: _, ...clicked } = vote("U011");
      expect((await approvals.click(id, clicked)).result).toBe("postponed");
      const [postponed] = (await approvals.read(id))?.postponed ?? [];
      if (!postponed) throw new Error("the vote is stored");
      await approvals.vote(id, vote("U021", { email: "bob@example.com" }));
      expect(await approvals.judge(id, postponed, { email: "bob@example.com", at: 3_000 })).toMatchObject({
        ...{ result: "counted", votes: 1 },
      });
    },
  );

  test("an address that nobody can read now is refused, and tried again later", async () => {
    const id = await ask(two(true));
    await approvals.vote(id, vote("U021"));
    expect(await approvals.vote(id, vote("U011", { email: undefined }))).toMatchObject({
      result: "refused",
      why: expect.stringContaining("Try again"),
    });
    expect((await approvals.vote(id, vote("U011"))).result).toBe("decided");
  });

  test("a rejection, and the only approval that is needed, ask for no address", async () => {
    const rejecting = await ask(two(true));
    expect(
      (await approvals.vote(rejecting, vote("U011", { email: undefined, verdict: "rejected" }))).result,
    ).toBe("decided");
    const alone = await ask({ ...two(true), delivery: "churn-2", rule: { ...two(true).rule, quorum: 1 } });
    expect((await approvals.vote(alone, vote("U011", { email: undefined }))).result).toBe("decided");
  });

  test("the state machine gets no address", async () => {
    const id = await ask(two(true));
    await approvals.vote(id, vote("U011"));
    await approvals.vote(id, vote("U021"));
    await approvals.send(id);
    expect(JSON.stringify(engine.answers)).toContain("U021");
    expect(JSON.stringify(engine.answers)).not.toContain("@example.com");
  });
});
