import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import { Outcome } from "#domain/delivery/outcomes.ts";
import { Verdict } from "#domain/gates/verdict.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { blocksTextLimit, MessageBlocks } from "#worlds/embedded/desk/blocks.ts";
import { renderMessageBlocks } from "./message-blocks.ts";

// Texts at Slack's limits: long, empty, and full of characters that become five when escaped.
const text = fc.oneof(
  fc.string(),
  fc.constantFrom("", "&", "<@U1>", "Sam\u202e madA", "\u2066approved\u2069", "a\u061cb"),
  fc.integer({ min: 1, max: 4_000 }).map((length) => "&".repeat(length)),
  fc.integer({ min: 1, max: 12_000 }).map((length) => "x".repeat(length)),
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const reason = text.filter((typed) => "reason" in parseRejectionReason(typed));
const user = fc.stringMatching(/^U[A-Z0-9]{8}$/);
const people = fc.array(fc.record({ user, name: text }), { maxLength: 50 });
const view: fc.Arbitrary<MessageState> = fc.record({
  delivery: fc.stringMatching(/^[a-z0-9-]{1,80}$/),
  model: fc.stringMatching(/^[a-z][a-z0-9-]{0,39}$/),
  commit: fc.constant("c".repeat(40)),
  author: text,
  version: maybe(fc.nat()),
  digest: maybe(fc.constant(`sha256:${"d".repeat(64)}`)),
  provenance: maybe(fc.record({ builder: text, builderId: text, commit: text, buildId: text, keyId: text })),
  baseline: maybe(text),
  changed: fc.array(text, { maxLength: 20 }),
  trial: fc.boolean(),
  checks: fc.array(
    fc.record({
      name: text,
      verdict: fc.constantFrom(...Verdict.options),
      measured: maybe(fc.double({ noNaN: true })),
      limit: maybe(fc.double({ noNaN: true })),
      unit: text,
      detail: text,
    }),
    { maxLength: 60 },
  ),
  omitted: fc.array(fc.record({ name: text, why: text }), { maxLength: 20 }),
  madeBy: maybe(fc.array(text, { maxLength: 50 })),
  unmapped: fc.array(fc.record({ identity: text, why: text }), { maxLength: 20 }),
  raisedBy: fc.nat({ max: 20 }),
  decisions: fc.array(fc.record({ canaryPercent: maybe(fc.integer({ min: 1, max: 99 })), by: people }), {
    maxLength: 11,
  }),
  question: fc.oneof(
    fc.constant(null),
    fc.record({
      status: fc.constant("open" as const),
      approval: fc.uuid(),
      expiresAt: fc.integer({ min: 0, max: 4_102_444_800_000 }),
      votes: people,
      quorum: fc.integer({ min: 1, max: 10 }),
      approvers: fc.array(user, { maxLength: 70 }),
      leftOut: fc.array(
        fc.record({
          user,
          why: fc.constantFrom("contributor" as const, "no address" as const, "unknown address" as const),
        }),
        {
          maxLength: 50,
        },
      ),
      waiting: people,
      stale: maybe(text),
      canaryPercent: maybe(fc.integer({ min: 1, max: 99 })),
    }),
    fc.record({
      status: fc.constant("approved" as const),
      by: people,
      canaryPercent: maybe(fc.integer({ min: 1, max: 99 })),
    }),
    fc.record({ status: fc.constant("rejected" as const), by: people, reason: maybe(reason) }),
    fc.record({ status: fc.constant("expired" as const) }),
    fc.record({ status: fc.constant("withdrawn" as const), why: text }),
  ),
  askedAgain: maybe(text),
  progress: maybe(text),
  rolledBack: maybe(
    fc.record({ by: text, kind: fc.constantFrom("interrupted" as const, "taken back" as const) }),
  ),
  replaced: fc.boolean(),
  outcome: maybe(fc.constantFrom(...Outcome.options)),
  error: maybe(fc.record({ name: text, cause: text })),
});

const texts = (value: unknown): string[] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) =>
        key === "text" && typeof inner === "string" ? [inner] : texts(inner),
      )
    : [];

test("Slack accepts the message of any delivery, with its buttons and the remedy of its error", () => {
  fc.assert(
    fc.property(view, maybe(fc.webUrl()), (state, link) => {
      const { text: line, blocks } = renderMessageBlocks(state, link ?? undefined);
      expect(line).not.toBe("");
      expect(MessageBlocks.safeParse(blocks).error?.message).toBeUndefined();
      expect(texts(blocks).join("").length).toBeLessThanOrEqual(blocksTextLimit);
      const all = JSON.stringify(blocks);
      expect(all.includes('"action_id":"approve"')).toBe(state.question?.status === "open");
      expect(all.includes("*What to do:*")).toBe(state.error !== null);
      const shown = texts(blocks).join("\n");
      // Marks of direction and control characters would show another message.
      expect(`${shown}${line}`).not.toMatch(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|(?!\n)\p{Cc}/u);
      if (state.question?.status === "open") {
        expect(shown).toMatch(/Expires <!date\^\d+\^[^>]*>\. [\s\S]*Approvers: /);
        // No mention is cut in two.
        expect(shown.match(/<@(?!U[A-Z0-9]{8}>)/g)).toBeNull();
      }
      expect(shown.includes("*Trial:* stage and prod share an account")).toBe(state.trial);
      // The list of `slipway approvals` has only the headline.
      if (line.startsWith("Approve ")) expect(line.endsWith("(trial)")).toBe(state.trial);
      if (state.unmapped.length > 0 && state.raisedBy > 1)
        expect(shown).toContain(`Not mapped to a person (${state.raisedBy} extra approvals required)`);
      if (state.question?.status === "rejected" && state.question.reason)
        expect(
          texts(blocks).some((part) => part.startsWith("*Reason for the rejection:*") && !part.endsWith("…")),
        ).toBe(true);
    }),
    { seed: 11, numRuns: 200 },
  );
});

test("answers that wait for an address are named, and approvers stay readable beside them", () => {
  const approvers = Array.from({ length: 70 }, (_, index) => `U0APPROVER${index}`);
  const people = approvers.map((user) => ({ user, name: user }));
  const [state] = fc.sample(view, { seed: 1, numRuns: 1 });
  if (!state) throw new Error("one message is drawn");
  const open = {
    status: "open" as const,
    approval: "id",
    expiresAt: 0,
    quorum: 2,
    stale: null,
    canaryPercent: null,
  };
  const reasons = ["contributor", "no address", "unknown address"] as const;
  const leftOut = reasons.flatMap((why) => approvers.map((user) => ({ user, why })));
  const question = { ...open, votes: people, approvers, leftOut, waiting: people };
  const line = texts(renderMessageBlocks({ ...state, question }, undefined).blocks).at(-3) ?? "";
  expect(line.length).toBeLessThanOrEqual(1_000);
  expect(line).toMatch(/Approvers: <@U0APPROVER0>.* and \d+ more\./);
  expect(line).toMatch(
    / Answers that count once Slack shows the address: <@U0APPROVER0>.* and \d+ more\. No/,
  );
});

test("the expiry comes before the approvers, however many there are", () => {
  const approvers = Array.from({ length: 70 }, (_, index) => `U0APPROVER${index}`);
  const [state] = fc.sample(view, { seed: 1, numRuns: 1 });
  if (!state) throw new Error("one message is drawn");
  const unvoted = { votes: [], quorum: 2, stale: null, canaryPercent: null };
  const open = { status: "open" as const, approval: "id", expiresAt: 0, ...unvoted };
  const question = { ...open, approvers, leftOut: [{ user: "U0AUTHOR", why: "contributor" as const }] };
  const line = texts(renderMessageBlocks({ ...state, question }, undefined).blocks).at(-3) ?? "";
  expect(line).toMatch(/^Expires <!date\^0\^.*> *\. 0 of 2 approvals\. Approvers: <@U0APPROVER0>, /);
  expect(line).toMatch(/> and \d+ more\. No access \(contributed to this change\): <@U0AUTHOR>\.$/);
});
