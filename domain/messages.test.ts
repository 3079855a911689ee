import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeChannel, memoryStore } from "../test/step-world.ts";
import { type Channel, type MessageView, messages } from "./messages.ts";

let opened: ReturnType<typeof memoryStore>;
let slack: ReturnType<typeof fakeChannel>;
let warnings: string[];
const start = (changes: Partial<Channel> = {}) =>
  messages({
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

const view: MessageView = {
  delivery: "churn-1",
  model: "churn",
  commit: "c".repeat(40),
  author: "Sam",
  version: 1,
  digest: null,
  baseline: null,
  changed: [],
  checks: [],
  provenance: null,
  omitted: [],
  question: null,
  progress: null,
  outcome: null,
  error: null,
};
const says = (progress: string) => (of: MessageView) => ({ ...of, progress });
const shown = () => [...slack.shown.values()].map(({ progress }) => progress);

test("a delivery has one message, made once and edited from then on", async () => {
  const of = start();
  expect(await of.posted("churn-1")).toBeNull();
  await of.put(view, says("one"));
  await of.put({ ...view, author: "someone else" }, says("two"));
  await of.change("churn-1", says("three"));
  expect(shown()).toEqual(["three"]);
  expect(slack.state.posts).toBe(1);
  expect((await of.read("churn-1"))?.author).toBe("Sam");
  expect(await of.posted("churn-1")).toEqual({ channel: "C0DELIVERY", ts: "ts-1" });
});

test("a change to a message that was never made makes none", async () => {
  await start().change("churn-1", says("one"));
  expect(slack.state.posts).toBe(0);
});

test("killed between the post and the keeping of where it is, the next change finds the message again", async () => {
  const killed = start({
    post: async (of) => {
      await slack.channel.post(of);
      throw new Error("killed");
    },
  });
  expect(await killed.put(view, says("one"))).toBe(false);
  const after = start();
  expect(await after.change("churn-1", says("two"))).toBe(true);
  expect(slack.state.posts).toBe(1);
  expect(shown()).toEqual(["two"]);
});

test("what Slack did not take is shown by the sweep, once it can be", async () => {
  const of = start();
  slack.state.down = true;
  expect(await of.put(view, says("one"))).toBe(false);
  expect(await of.change("churn-1", says("two"))).toBe(false);
  expect(warnings).toHaveLength(2);
  await of.showUnshown();
  expect(shown()).toEqual([]);
  slack.state.down = false;
  await of.showUnshown();
  expect(shown()).toEqual(["two"]);
  const edits = warnings.length;
  slack.state.down = true;
  await of.showUnshown();
  expect(warnings).toHaveLength(edits);
});

test("one message that Slack will not take keeps no other back", async () => {
  const of = start();
  slack.state.down = true;
  for (const delivery of ["a", "b", "c"]) await of.put({ ...view, delivery }, says(delivery));
  slack.state.down = false;
  const refusing = start({
    post: (each) =>
      each.delivery === "a" ? Promise.reject(new Error("invalid_blocks")) : slack.channel.post(each),
  });
  await refusing.showUnshown();
  expect(shown()).toEqual(["b", "c"]);
  await of.showUnshown();
  expect(shown().sort()).toEqual(["a", "b", "c"]);
});

test("a change that Slack refuses while the sweep shows an earlier one is not forgotten", async () => {
  const of = start();
  slack.state.down = true;
  await of.put(view, says("one"));
  slack.state.down = false;
  let first = true;
  const meanwhile = start({
    update: async (posted, each) => {
      await slack.channel.update(posted, each);
      if (!first) return;
      first = false;
      // Written by another process whose call to Slack fails, after the sweep has looked for changes.
      queueMicrotask(() => void opened.store.put({ partition: "messages-unshown", sort: "churn-1" }, {}));
    },
  });
  await meanwhile.showUnshown();
  const { items } = await opened.store.page({
    partition: "messages-unshown",
    order: "ascending",
    limit: 10,
  });
  expect(items).toHaveLength(1);
});

test("two changes at once end showing both, whichever Slack hears last", async () => {
  const of = start();
  await of.put(view, says(""));
  const held: (() => void)[] = [];
  const slow = start({
    update: async (posted, each) => {
      // The earlier the view, the later Slack hears it.
      if (each.progress === "a") await new Promise<void>((resolve) => held.push(resolve));
      await slack.channel.update(posted, each);
    },
  });
  const one = slow.change("churn-1", (each) => ({ ...each, progress: `${each.progress}a` }));
  while (held.length === 0) await Promise.resolve();
  const two = slow.change("churn-1", (each) => ({ ...each, progress: `${each.progress}b` }));
  await two;
  expect(shown()).toEqual(["ab"]);
  for (const release of held) release();
  await one;
  expect(shown()).toEqual(["ab"]);
});
