import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import { Outcome } from "#domain/delivery/outcomes.ts";
import { Verdict } from "#domain/gates/verdict.ts";
import type { MessageState } from "#domain/message/message-state.ts";
import { prefixContinuationLines } from "#untrusted/prefix-continuation-lines.ts";
import { blocksTextLimit, MessageBlocks } from "#worlds/embedded/desk/blocks.ts";
import { formatReply } from "./format-reply.ts";
import { renderMessageBlocks } from "./message-blocks.ts";
import { messageForms } from "./message-forms.ts";

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
const link = fc.oneof(
  fc.record({ kind: fc.constant("page" as const), url: fc.oneof(fc.webUrl(), text) }),
  fc.record({ kind: fc.constant("command" as const), line: text }),
);
const view: fc.Arbitrary<MessageState> = fc.record({
  delivery: fc.stringMatching(/^[a-z0-9-]{1,80}$/),
  model: fc.stringMatching(/^[a-z][a-z0-9-]{0,39}$/),
  commit: fc.constant("c".repeat(40)),
  author: text,
  version: maybe(fc.nat()),
  digest: maybe(fc.constant(`sha256:${"d".repeat(64)}`)),
  provenance: maybe(fc.record({ builder: text, builderId: text, commit: text, buildId: text, keyId: text })),
  baseline: maybe(text),
  baselineVersion: maybe(fc.nat()),
  changed: fc.array(text, { maxLength: 20 }),
  renewed: fc.array(text, { maxLength: 2 }),
  subject: maybe(text),
  links: maybe(fc.record({ commit: link, diff: maybe(link) })),
  rollout: fc.option(
    maybe(
      fc.record({
        steps: fc.array(fc.integer({ min: 1, max: 99 }), { maxLength: 10 }),
        bake: fc.constantFrom("PT30M", "PT1H", "P2D", "PT90S"),
      }),
    ),
    { nil: undefined },
  ),
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
  omitted: fc.array(fc.record({ name: text, why: text, remedy: text }, { requiredKeys: ["name", "why"] }), {
    maxLength: 20,
  }),
  comparisons: fc.array(
    fc.record({
      name: text,
      unit: text,
      champion: maybe(fc.double({ noNaN: true })),
      challenger: maybe(fc.double({ noNaN: true })),
      interval: maybe(fc.record({ low: fc.double({ noNaN: true }), high: fc.double({ noNaN: true }) })),
      limit: text,
      verdict: maybe(fc.constantFrom(...Verdict.options)),
    }),
    { maxLength: 40 },
  ),
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
          why: fc.constantFrom(
            "contributor" as const,
            "no address" as const,
            "unknown address" as const,
            "guest" as const,
          ),
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
  held: fc.option(
    fc.record({
      until: maybe(fc.integer({ min: 0, max: 4_102_444_800_000 })),
      why: text,
      approval: fc.uuid(),
      approvedBy: fc.array(user),
      waiting: fc.array(user, { minLength: 1, maxLength: 70 }),
    }),
    { nil: undefined },
  ),
  askedAgain: maybe(text),
  progress: maybe(text),
  rolledBack: maybe(
    fc.record({ by: text, kind: fc.constantFrom("interrupted" as const, "taken back" as const) }),
  ),
  replaced: fc.boolean(),
  outcome: maybe(fc.constantFrom(...Outcome.options)),
  error: maybe(fc.record({ name: text, cause: text })),
  rejectedBefore: fc.record({
    delivery: text,
    by: people,
    at: fc.integer({ min: 0, max: 4_102_444_800_000 }),
    reason: maybe(reason),
    canaryPercent: maybe(fc.integer({ min: 1, max: 99 })),
  }),
});

const texts = (value: unknown): string[] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) =>
        key === "text" && typeof inner === "string" ? [inner] : texts(inner),
      )
    : [];

/** Texts in which Slack reads mentions: not headers, cells and other plain text. */
const formattedTexts = (value: unknown): string[] =>
  typeof value === "object" && value !== null
    ? "type" in value && value.type === "mrkdwn" && "text" in value
      ? [String(value.text)]
      : Object.values(value).flatMap(formattedTexts)
    : [];

test("Slack accepts the simpler forms of any delivery's message; in the last one nobody can approve, and every refusal is named", () => {
  fc.assert(
    fc.property(view, maybe(fc.webUrl()), (state, link) => {
      const [withoutTable, essential] = messageForms
        .slice(1)
        .map((form) => renderMessageBlocks(state, link ?? undefined, form));
      for (const form of [withoutTable, essential]) {
        expect(form?.text).not.toBe("");
        expect(MessageBlocks.safeParse(form?.blocks).error?.message).toBeUndefined();
        expect(texts(form?.blocks ?? []).join("").length).toBeLessThanOrEqual(blocksTextLimit);
      }
      const isOpen = state.question?.status === "open";
      const simpler = JSON.stringify(withoutTable?.blocks);
      expect(simpler).not.toContain('"type":"table"');
      expect(simpler.includes('"action_id":"approve"')).toBe(isOpen);
      const last = JSON.stringify(essential?.blocks);
      expect(last).not.toContain('"action_id":"approve"');
      expect(last.includes('"action_id":"reject"')).toBe(isOpen);
      expect(last).toContain("Slack refused the rest of this message");
    }),
    { numRuns: 100 },
  );
});

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
        const formatted = formattedTexts(blocks).join("\n");
        expect(formatted.match(/<@(?!U[A-Z0-9]{8}>)/g)).toBeNull();
      }
      expect(shown.includes("*Trial:* stage and prod share an account")).toBe(state.trial);
      // The list of `slipway approvals` has only the headline.
      if (line.startsWith("Approve ")) expect(line.endsWith("(trial)")).toBe(state.trial);
      if (state.unmapped.length > 0 && state.raisedBy > 1)
        expect(shown).toContain(`Not mapped to a person (${state.raisedBy} extra approvals required)`);
      if (state.question?.status === "rejected" && state.question.reason)
        expect(texts(blocks)).toContain(prefixContinuationLines(state.question.reason));
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
  const line =
    texts(renderMessageBlocks({ ...state, question }, undefined).blocks).find((part) =>
      part.startsWith("Expires"),
    ) ?? "";
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
  const line =
    texts(renderMessageBlocks({ ...state, question }, undefined).blocks).find((part) =>
      part.startsWith("Expires"),
    ) ?? "";
  expect(line).toMatch(/^Expires <!date\^0\^.*> *\. 0 of 2 approvals\. Approvers: <@U0APPROVER0>, /);
  expect(line).toMatch(/> and \d+ more\. No access \(contributed to this change\): <@U0AUTHOR>\.$/);
});

describe("what an approver reads", () => {
  const row = { unit: "", champion: 0.81, challenger: 0.83, interval: { low: -0.004, high: 0.044 } };
  const accuracy = { ...row, name: "accuracy", limit: "≥ 0.7, at most 0.02 worse", verdict: "pass" } as const;
  const latency = { ...row, name: "latency p95", unit: "ms", champion: 4.2, challenger: 9, interval: null };
  const passed = {
    name: "smoke",
    verdict: "pass",
    measured: 1,
    limit: 1,
    unit: "",
    detail: "it answers",
  } as const;
  const doubtful = { ...passed, name: "canary traffic", verdict: "inconclusive", detail: "too few" } as const;
  const [drawn] = fc.sample(view, { seed: 3, numRuns: 1 });
  if (!drawn) throw new Error("one message is drawn");
  const { rejectedBefore: _, ...others } = drawn;
  const state: MessageState = {
    ...others,
    ...{
      model: "churn",
      version: 2,
      baselineVersion: 1,
      trial: false,
      outcome: null,
      rolledBack: null,
      error: null,
    },
    ...{
      changed: [],
      renewed: ["golden.json changed"],
      subject: "Retrain with October's data",
      author: "Sam",
    },
    ...{
      checks: [passed, doubtful],
      rollout: { steps: [10, 50], bake: "PT30M" },
      progress: null,
      askedAgain: null,
    },
    omitted: [{ name: "vulnerabilities", why: "no advisories for npm", remedy: "Load them." }],
    comparisons: [accuracy, { ...latency, limit: "≤ 50", verdict: "fail" }],
    links: {
      commit: { kind: "page", url: "https://example.com/c" },
      diff: { kind: "page", url: "https://example.com/d" },
    },
    question: {
      status: "open",
      approval: "id",
      expiresAt: 0,
      votes: [],
      quorum: 1,
      approvers: ["U024BE7LH"],
      leftOut: [],
      stale: null,
      canaryPercent: null,
    },
  };
  const render = (changes: Partial<MessageState> = {}) =>
    renderMessageBlocks({ ...state, ...changes }, undefined);
  const readTexts = (changes?: Partial<MessageState>) => texts(render(changes).blocks);
  const cells = (changes?: Partial<MessageState>) =>
    render(changes).blocks.flatMap((block) =>
      block.type === "table" ? block.rows.map((cells) => texts(cells).join(" | ")) : [],
    );

  test("starts with the question and the verdict in one line", () => {
    expect(readTexts().slice(0, 2)).toEqual([
      "Approve churn v2 for production?",
      "1 passed · 1 inconclusive · 1 not checked",
    ]);
  });

  test("the question of a canary names the checks without a verdict, and blames the traffic only where it was not enough", () => {
    const { question } = state;
    if (question?.status !== "open") throw new Error("its question is open");
    const samples = { ...passed, name: "canary samples", measured: 1_366, limit: 200 };
    const p95 = { ...doubtful, name: "canary latency p95" };
    const ask = (measured: number) =>
      readTexts({
        ...{ rejectedBefore: undefined, checks: [{ ...samples, measured }, p95] },
        question: { ...question, canaryPercent: 10 },
      }).find((line) => line.startsWith(":grey_question: *The canary"));
    expect(ask(1_366)).toMatch(
      /^:grey_question: \*The canary has no verdict at 10 % of prod:\* latency p95 is inconclusive\. If you approve/,
    );
    expect(ask(57)).toMatch(/:\* live traffic was not enough \(57 of the 200 requests/);
  });

  test("compares both versions in a table: new minus old with its interval, and the limit", () => {
    expect(cells()).toEqual([
      "metric | prod v1 | new v2 | difference | limit",
      "✓ accuracy | 0.81 | 0.83 | +0.02 (−0.004 to +0.044) | ≥ 0.7, at most 0.02 worse",
      "✗ latency p95 (ms) | 4.2 | 9 | +4.8 | ≤ 50",
    ]);
    expect(
      cells({ baselineVersion: null, comparisons: [{ ...accuracy, champion: null, interval: null }] }),
    ).toEqual([
      "metric | prod | new v2 | difference | limit",
      "✓ accuracy | – | 0.83 | – | ≥ 0.7, at most 0.02 worse",
    ]);
  });

  test("shows below the table only what did not pass; without a table, as of an old delivery, all checks", () => {
    expect(readTexts().join()).toContain("*canary traffic* — too few");
    expect(readTexts().join()).not.toContain("*smoke*");
    expect(readTexts({ comparisons: [] }).join()).toContain("*smoke* — it answers");
  });

  test("names what was not checked, why, and what to do", () => {
    const scan = { name: "vulnerabilities", why: "no advisories for npm", remedy: "Load them." };
    const comparison = { name: "accuracy vs champion", why: "prod serves no version yet" };
    expect(readTexts({ omitted: [scan, comparison] })).toContain(
      "_Not checked:_ *vulnerabilities*: no advisories for npm. Load them; *accuracy vs champion*: prod serves no version yet",
    );
  });

  test("warns of loosened rules above the table, and mentions new golden vectors without a warning", () => {
    const all = readTexts({ changed: ["loosens 1 rule: gates.latencyP95Ms 50 → 500"] });
    expect(all[2]).toBe(
      ":warning: *This commit changes its own rules:* loosens 1 rule: gates.latencyP95Ms 50 → 500",
    );
    expect(all).toContain("New with this commit: golden.json changed");
    expect(readTexts().join()).not.toContain(":warning:");
  });

  test("warns of a commit that was rejected before: by whom, when and why, first in the notification, too", () => {
    const rejectedBefore = {
      delivery: "churn-1",
      by: [{ user: "U024BE7LH", name: "Ada" }],
      at: Date.parse("2026-11-29T23:00:00Z"),
      reason: "recall\nfell <!here>",
      canaryPercent: null,
    };
    const { text } = render({ rejectedBefore });
    expect(readTexts({ rejectedBefore })[2]).toBe(
      ":warning: *Rejected before* by <@U024BE7LH> on 2026-11-29: recall fell &lt;!here&gt;",
    );
    expect(text).toContain("production? rejected before by Ada on 2026-11-29: recall fell &lt;!here&gt;;");
    expect(readTexts({ rejectedBefore: { ...rejectedBefore, reason: null, canaryPercent: 10 } })[2]).toBe(
      ":warning: *Rejected before* by <@U024BE7LH> on 2026-11-29, as a canary at 10 %",
    );
  });

  test("links commit and difference, and says what follows", () => {
    expect(readTexts()).toContain(
      `Commit \`${state.commit.slice(0, 12)}\`, author (unverified): Sam · <https://example.com/c|commit> · <https://example.com/d|difference to prod>`,
    );
    expect(readTexts()).toContain("If approved: 10 % for 30 min → 50 % for 30 min → 100 %");
    expect(readTexts({ rollout: null })).toContain("If approved: 100 % at once, because nothing serves prod");
  });

  const marked = "fix *bold* _it_ ~x~ `c` :x: <!here>";

  test("shows the commit's own words and a rejection's reason as they were typed, with no markup, mention or emoji", () => {
    const by = [{ user: "U024BE7LH", name: "Ada" }];
    const { blocks } = render({
      subject: marked,
      question: { status: "rejected", by, reason: `${marked}\n${marked}` },
    });
    const plain = { type: "plain_text", emoji: false };
    const sections = blocks.flatMap((block) => (block.type === "section" ? [block.text] : []));
    expect(sections).toContainEqual({ ...plain, text: marked });
    expect(sections).toContainEqual({ ...plain, text: `${marked}\n    | ${marked}` });
    const formatted = sections.flatMap((each) => (each?.type === "mrkdwn" ? [each.text] : []));
    expect(formatted.join()).not.toContain("*bold*");
  });

  test("shows marks within other text as code, in which Slack reads none", () => {
    const literal = "`fix *bold* _it_ ~x~ 'c' :x: &lt;!here&gt;`";
    const person = { user: "U024BE7LH", name: "Ada" };
    const rejectedBefore = { delivery: "churn-1", by: [person], at: 0, reason: marked, canaryPercent: null };
    const all = readTexts({
      ...{ author: marked, rejectedBefore, changed: [marked] },
      held: { until: null, why: marked, approval: "id", approvedBy: [] },
      breakGlass: { user: "U024BE7LH", name: "Ada", reason: marked, at: 0 },
    });
    for (const start of [
      ":warning: *This commit changes",
      ":warning: *Rejected before*",
      ":snowflake:",
      ":rotating_light:",
      "Commit",
    ])
      expect(all.find((text) => text.startsWith(start))).toContain(literal);
    const reply = {
      id: "1",
      model: "churn",
      version: 2,
      broadcast: false,
      mentions: { users: [], addresses: [] },
    };
    const decided = {
      kind: "decided",
      status: "rejected",
      by: [person],
      reason: marked,
      canaryPercent: null,
    } as const;
    expect(formatReply({ ...reply, says: decided }, [])).toBe(
      `:no_entry: Rejected by <@U024BE7LH>: ${literal}`,
    );
  });

  test("a path or an address with marks within a word is text as before", () => {
    expect(
      readTexts({ author: "ada_l@example.com", changed: ["the build: packaging/a_b.ts"] }).join(),
    ).toMatch(/rules:\* the build: packaging\/a_b\.ts.*author \(unverified\): ada_l@example\.com/s);
  });

  test("a link that Slack would end early is only a word", () => {
    const links = { commit: { kind: "page" as const, url: "https://example.com/a|b" }, diff: null };
    expect(readTexts({ links }).join()).not.toContain("a|b");
  });

  test("the notification says what the table says", () => {
    expect(render().text).toBe(
      "Approve churn v2 for production? 2 contributors not mapped to a person; expires 1970-01-01 00:00 UTC; 1 passed · 1 inconclusive · 1 not checked; canary traffic inconclusive; accuracy 0.83 (prod 0.81); latency p95 9 ms (prod 4.2 ms)",
    );
    expect(render({ outcome: "promoted", replaced: false, question: null }).text).toBe(
      "churn v2 serves prod",
    );
  });

  test("the notification says first what warns of an approval", () => {
    const question = state.question?.status === "open" ? { ...state.question, stale: "version 7" } : null;
    const warned = {
      changed: ["loosens 1 rule: gates.latencyP95Ms 50 → 500"],
      unmapped: [{ identity: "nobody@example.net", why: "no person lists it" }],
      question,
    };
    expect(render(warned).text).toMatch(
      /^Approve churn v2 for production\? this commit changes its own rules: loosens 1 rule: gates\.latencyP95Ms 50 → 500; prod changed: it now serves version 7; 1 contributor not mapped to a person; expires /,
    );
  });

  test("the first button asks once more before it counts", () => {
    const buttons = render().blocks.flatMap((block) => (block.type === "actions" ? block.elements : []));
    expect(buttons[0]).toMatchObject({
      action_id: "approve",
      confirm: { title: { text: "Approve churn v2?" }, confirm: { text: "Approve" } },
    });
  });

  test("no section is folded", () => {
    for (const block of render().blocks) if (block.type === "section") expect(block.expand).toBe(true);
  });
});
