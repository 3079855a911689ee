import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createApprovals } from "#domain/approval/approvals.ts";
import { emptyIdentities } from "#domain/approval/identities.ts";
import { createDeliveryPeople } from "#domain/delivery/delivery-people.ts";
import type { Outcome } from "#domain/delivery/outcomes.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import { createPolicyWriter } from "#domain/policy/policy-writer.ts";
import { approvalDefaults } from "#test/support/approval-defaults.ts";
import { fakeChannel } from "#test/support/fake-channel.ts";
import { fakeDeliveries } from "#test/support/fake-deliveries.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { plainCipher } from "#test/support/plain-cipher.ts";
import { fakeDigest, policyYaml } from "#test/support/toy-model.ts";
import { createDeliveryMessages, type MessageChannel } from "./delivery-messages.ts";
import { MessageUnconfirmed } from "./errors.ts";

let opened: ReturnType<typeof memoryStore>;
let slack: ReturnType<typeof fakeChannel>;
let warnings: string[];
const start = (changes: Partial<MessageChannel> = {}) =>
  createDeliveryMessages({
    ...opened,
    channel: { ...slack.channel, ...changes },
    warn: (sentence) => void warnings.push(sentence),
  });
beforeEach(() => {
  opened = memoryStore();
  slack = fakeChannel();
  warnings = [];
});
afterEach(() => opened.database.close());

const subject = { model: "churn", commit: "c".repeat(40) };
const asking = () =>
  createApprovals({ ...opened, cipher: plainCipher, deliveries: fakeDeliveries().deliveries });
const ask = (delivery = "churn-1") =>
  asking().ask(
    {
      ...subject,
      delivery,
      digest: fakeDigest("d"),
      version: 2,
      ...approvalDefaults,
      rule: { approvers: ["U011", "U021"], quorum: 2, authorMayApprove: true, timeout: "PT24H" },
      askedAt: opened.time.now,
      expiresAt: opened.time.now + 3_600_000,
    },
    "token",
  );
const approve = async (user: string, delivery = "churn-1") => {
  const [id = ""] = await asking().asked(delivery);
  await asking().vote(id, {
    user,
    name: user,
    email: `${user.toLowerCase()}@example.com`,
    verdict: "approved",
    reason: null,
    at: opened.time.now,
  });
};
const end = (outcome: Outcome, delivery = "churn-1") =>
  createOutcomes(opened).keep({ ...subject, delivery, outcome, error: null, at: opened.time.now });
const shown = () =>
  [...slack.shown.values()].map(({ delivery, outcome, question }) => ({
    delivery,
    says: outcome ?? (question?.status === "open" ? question.votes.length : question?.status),
  }));
const notes = async () =>
  (await opened.store.page({ partition: "messages-unshown", order: "ascending", limit: 10 })).items.map(
    ({ key }) => key.sort,
  );

test("a fresh question is posted and not edited", async () => {
  const messages = start();
  await ask();
  await messages.show("churn-1");
  expect(slack.state).toMatchObject({ posts: 1, updates: 0 });
  await approve("U011");
  await messages.show("churn-1");
  expect(slack.state).toMatchObject({ posts: 1, updates: 1 });
});

const told = () => slack.replies.map(({ id }) => id.split(" ").at(0));

test("each later fact is told once in the thread, however often and by whomever the message is shown", async () => {
  await ask();
  await start().show("churn-1");
  expect(told()).toEqual([]);
  await approve("U011");
  await approve("U021");
  await end("promoted");
  await Promise.all([start().show("churn-1"), start().show("churn-1"), start().showUnshown()]);
  await start().show("churn-1");
  expect(told()).toEqual(["decided", "ended"]);
  expect(await notes()).toEqual([]);
});

test("what a message tells when it is posted is not told again below it", async () => {
  await end("failed");
  await start().show("churn-1");
  await start().show("churn-1");
  expect(slack.state.posts).toBe(1);
  expect(told()).toEqual([]);
});

test("a failure before the question mentions author and owner below its message, once, by the platform's map", async () => {
  await createPolicyWriter(opened).writeFirst(
    {
      floor: parsePolicy(new TextEncoder().encode(policyYaml), "the platform's copy"),
      identities: {
        ...emptyIdentities,
        people: {
          "ada@example.com": {
            ...{ logins: [], arns: [], emails: ["12345+ada@users.noreply.github.com"] },
            slack: "U024BE7LH",
          },
        },
      },
    },
    { id: "operator", name: "Operator" },
  );
  const people = { author: "12345+ada@users.noreply.github.com", owner: "S0614TZR7" };
  await createDeliveryPeople(opened).note("churn-1", people);
  await end("failed");
  for (let shows = 0; shows < 3; shows++) await start().show("churn-1");
  await start().showUnshown();
  expect(slack.replies).toMatchObject([
    {
      ...{ id: "ended failed", broadcast: false },
      mentions: { users: ["S0614TZR7", "U024BE7LH"], addresses: [] },
    },
  ]);
  expect(await notes()).toEqual([]);
});

test("a reply that Slack refuses is told by the sweep", async () => {
  await ask();
  await start().show("churn-1");
  await approve("U011");
  await approve("U021");
  const refuse = () => Promise.reject(new Error("ratelimited"));
  expect(await start({ reply: refuse }).show("churn-1")).toBe(false);
  expect(told()).toEqual([]);
  await start().showUnshown();
  expect(told()).toEqual(["decided"]);
});

test("a message from before there were replies does not tell its past", async () => {
  await ask();
  await start().show("churn-1");
  const key = { partition: "messages", sort: "churn-1" };
  const { value } = (await opened.store.get(key)) ?? {};
  const { replied: _, ...older } = value as Record<string, unknown>;
  await opened.store.put(key, older as Record<string, string>);
  await approve("U011");
  await approve("U021");
  await start().show("churn-1");
  expect(told()).toEqual([]);
  await end("rejected");
  await start().show("churn-1");
  expect(told()).toEqual(["ended"]);
});

test("a reminder is told when its time has come, although nothing else changed", async () => {
  await ask();
  await start().show("churn-1");
  opened.time.now += 3_000_000;
  await start().showUnshown();
  await start().showUnshown();
  expect(told()).toEqual(["reminder"]);
});

test("a delivery has one message, which is posted once and then edited to match the facts", async () => {
  const messages = start();
  expect(await messages.posted("churn-1")).toBeNull();
  await ask();
  for (const facts of [async () => {}, () => approve("U011"), () => approve("U021"), () => end("rejected")]) {
    await facts();
    expect(await messages.show("churn-1")).toBe(true);
  }
  expect(shown()).toEqual([{ delivery: "churn-1", says: "rejected" }]);
  expect(slack.state.posts).toBe(1);
  expect(await messages.posted("churn-1")).toEqual({ channel: "C0DELIVERY", ts: "ts-1" });
});

test("a delivery without facts has no message", async () => {
  await start().show("churn-1");
  expect(slack.state.posts).toBe(0);
});

test("an unchanged message is not written to Slack again", async () => {
  let updates = 0;
  const messages = start({
    update: (...parameters) => {
      updates++;
      return slack.channel.update(...parameters);
    },
  });
  await ask();
  await messages.show("churn-1");
  const before = updates;
  for (let time = 0; time < 3; time++) await messages.show("churn-1");
  expect(updates).toBe(before);
});

test("after a crash between the post and the record of it, the message is found again", async () => {
  await ask();
  const killed = start({
    post: async (state) => {
      await slack.channel.post(state);
      throw new Error("killed");
    },
  });
  expect(await killed.show("churn-1")).toBe(false);
  await approve("U011");
  expect(await start().show("churn-1")).toBe(true);
  expect(slack.state.posts).toBe(1);
  expect(shown()).toEqual([{ delivery: "churn-1", says: 1 }]);
});

test("the sweep shows what Slack refused before, or what a crash has left", async () => {
  const messages = start();
  await ask();
  slack.state.down = true;
  expect(await messages.show("churn-1")).toBe(false);
  expect(warnings).toHaveLength(1);
  await messages.showUnshown();
  expect(shown()).toEqual([]);
  slack.state.down = false;
  await messages.showUnshown();
  expect(shown()).toEqual([{ delivery: "churn-1", says: 0 }]);
  // The writer crashed before showing these.
  await approve("U011");
  await approve("U021");
  await messages.showUnshown();
  expect(shown()).toEqual([{ delivery: "churn-1", says: "approved" }]);
  expect(await notes()).toEqual(["churn-1"]);
  await end("promoted");
  opened.time.now += 120_000;
  await messages.showUnshown();
  expect(shown()).toEqual([{ delivery: "churn-1", says: "promoted" }]);
  expect(await notes()).toEqual([]);
});

test("messages that Slack refuses do not hold back the others, however many there are", async () => {
  const messages = start();
  slack.state.down = true;
  const names = Array.from({ length: 230 }, (_, index) => `d-${String(index).padStart(3, "0")}`);
  for (const delivery of names) {
    await end("failed", delivery);
    await messages.show(delivery);
  }
  slack.state.down = false;
  const refusing = start({
    post: (each) =>
      each.delivery < "d-120" ? Promise.reject(new Error("invalid_blocks")) : slack.channel.post(each),
  });
  await refusing.showUnshown();
  expect(shown().map(({ delivery }) => delivery)).toEqual(names.slice(120));
  await messages.showUnshown();
  expect(shown()).toHaveLength(names.length);
});

test("a change that is noted while the sweep shows an earlier one is not lost", async () => {
  const messages = start();
  await end("rejected");
  slack.state.down = true;
  await messages.show("churn-1");
  slack.state.down = false;
  const meanwhile = start({
    update: async (posted, each) => {
      await slack.channel.update(posted, each);
      await messages.expect("churn-1");
    },
  });
  await meanwhile.showUnshown();
  expect(await notes()).toEqual(["churn-1"]);
});

/** A channel whose first write waits for the test. */
const slowFirst = (call: "post" | "update") => {
  let release = () => {};
  let begun = () => {};
  const waits = new Promise<void>((resolve) => {
    release = resolve;
  });
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let first = true;
  const hold = async () => {
    if (!first) return;
    first = false;
    begun();
    await waits;
  };
  const changes: Partial<MessageChannel> =
    call === "post"
      ? {
          // Both writers look for an earlier post before either has posted.
          post: async (each) => {
            const mine = first;
            await hold();
            slack.shown.set(mine ? "late" : "early", each);
            return { channel: "C0DELIVERY", ts: mine ? "late" : "early", isNew: true };
          },
        }
      : {
          update: async (...parameters) => {
            await hold();
            await slack.channel.update(...parameters);
          },
        };
  return { changes, release, hasBegun };
};

test("an older rendering that Slack receives last is overwritten", async () => {
  await ask();
  await start().show("churn-1");
  const { changes, release, hasBegun } = slowFirst("update");
  await approve("U011");
  const pending = start(changes).show("churn-1");
  await hasBegun;
  await approve("U021");
  await start().show("churn-1");
  expect(shown()).toEqual([{ delivery: "churn-1", says: "approved" }]);
  release();
  await pending;
  expect(shown()).toEqual([{ delivery: "churn-1", says: "approved" }]);
});

test("an older rendering whose writer crashed is overwritten by the sweep", async () => {
  await ask();
  await start().show("churn-1");
  const { changes, release, hasBegun } = slowFirst("update");
  await approve("U011");
  const dying = start({
    update: async (...parameters) => {
      await changes.update?.(...parameters);
      throw new Error("killed");
    },
  }).show("churn-1");
  await hasBegun;
  await approve("U021");
  await start().show("churn-1");
  release();
  await dying;
  expect(shown()).toEqual([{ delivery: "churn-1", says: 1 }]);
  await start().showUnshown();
  expect(shown()).toEqual([{ delivery: "churn-1", says: "approved" }]);
});

test("six simultaneous updates write at most seven times: Slack allows 50 edits a minute", async () => {
  await ask();
  await start().show("churn-1");
  let updates = 0;
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const createMessages = () =>
    start({
      update: async (...parameters) => {
        updates += 1;
        // Each write takes a different time, so that the first to begin is not the first to end.
        for (let left = (updates * 5) % 7; left >= 0; left -= 1) await turn();
        await slack.channel.update(...parameters);
      },
    });
  await approve("U011");
  await approve("U021");
  await Promise.all(Array.from({ length: 6 }, () => createMessages().show("churn-1")));
  expect(shown()).toEqual([{ delivery: "churn-1", says: "approved" }]);
  expect(updates).toBeLessThanOrEqual(7);
});

test("of two simultaneous posts one message stays", async () => {
  await ask();
  const { changes, release, hasBegun } = slowFirst("post");
  const messages = start(changes);
  const pending = messages.show("churn-1");
  await hasBegun;
  await messages.show("churn-1");
  await approve("U011");
  release();
  await pending;
  expect([...slack.shown.keys()]).toEqual(["early"]);
  expect(shown()).toEqual([{ delivery: "churn-1", says: 1 }]);
});

describe("a sweep while Slack does not respond", () => {
  const deliveries = ["toy-1", "toy-2", "toy-3", "toy-4", "toy-5"];
  const startSeveral = async (post: MessageChannel["post"]) => {
    for (const delivery of deliveries) {
      await ask(delivery);
      await start().expect(delivery);
    }
    return start({ post });
  };

  test("asks Slack three times at most, and does everything else for every delivery", async () => {
    const posts: string[] = [];
    const settled: string[] = [];
    const messages = await startSeveral(async ({ delivery }) => {
      posts.push(delivery);
      throw new MessageUnconfirmed("Slack did not respond");
    });
    await messages.showUnshown(async (delivery) => {
      settled.push(delivery);
      return true;
    });
    expect(posts).toEqual(deliveries.slice(0, 3));
    expect(settled).toEqual(deliveries);
  });

  test("a single message without a response keeps no other from being shown", async () => {
    const posts: string[] = [];
    const messages = await startSeveral(async ({ delivery }) => {
      if (delivery === "toy-1") throw new MessageUnconfirmed("Slack answered with status 500");
      posts.push(delivery);
      return { channel: "C1", ts: delivery, isNew: true };
    });
    await messages.showUnshown();
    expect(posts).toEqual(deliveries.slice(1));
  });
});
