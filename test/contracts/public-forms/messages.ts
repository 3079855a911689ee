import type { MessageState, QuestionState } from "#domain/message/message-state.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { describeForm, type Form, literal } from "./describe-form.ts";
import type { Traces } from "./play-deliveries.ts";

const approval = "churn~1cbc1d7ad603b7e0004d39d7";
const link = "https://example.com/deliveries/churn-1";
const ada = { user: "U024BE7LH", name: "Ada" };
const check = { name: "smoke", verdict: "pass", measured: 1, limit: 1, unit: "", detail: "fine" } as const;

const open: Extract<QuestionState, { readonly status: "open" }> = {
  status: "open",
  approval,
  expiresAt: 1_795_262_400_000,
  votes: [],
  quorum: 1,
  approvers: ["U024BE7LH"],
  leftOut: [],
  stale: null,
  canaryPercent: null,
};
const openMessage: MessageState = {
  delivery: "churn-1",
  model: "churn",
  commit: "c".repeat(40),
  author: "Sam",
  madeBy: ["sam@example.com"],
  unmapped: [],
  raisedBy: 0,
  version: 3,
  digest: `sha256:${"d".repeat(64)}`,
  baseline: "version 2",
  baselineVersion: 2,
  changed: [],
  renewed: ["golden.json changed"],
  subject: "Retrain with October's data",
  links: {
    commit: { kind: "page", url: "https://example.com/commit/1" },
    diff: { kind: "page", url: "https://example.com/compare/1" },
  },
  rollout: { steps: [10, 50], bake: "PT30M" },
  comparisons: [
    {
      name: "accuracy",
      unit: "",
      champion: 0.8,
      challenger: 0.82,
      interval: { low: -0.01, high: 0.05 },
      limit: "≥ 0.7, at most 0.02 worse",
      verdict: "pass",
    },
  ],
  trial: false,
  askedAgain: null,
  checks: [check],
  omitted: [],
  question: open,
  decisions: [],
  progress: null,
  provenance: {
    builder: `sha256:${"e".repeat(64)}`,
    builderId: "urn:slipway:builder:embedded",
    commit: "c".repeat(40),
    buildId: "build:1",
    keyId: "key",
  },
  rolledBack: null,
  outcome: null,
  replaced: false,
  error: null,
};
const approvedMessage: MessageState = {
  ...openMessage,
  question: { status: "approved", by: [ada], canaryPercent: null },
};
const messageWithoutQuestion: MessageState = {
  ...openMessage,
  question: null,
  version: null,
  digest: null,
  baseline: null,
  checks: [],
  provenance: null,
  author: "",
  madeBy: null,
};
const error = { name: "GateFailed", cause: "smoke: it did not answer" };

/** The states of an approval message. */
const states: Readonly<Record<string, MessageState>> = {
  open: openMessage,
  "open, with votes and a quorum": { ...openMessage, question: { ...open, quorum: 2, votes: [ada] } },
  "open, about an inconclusive canary": {
    ...openMessage,
    question: { ...open, canaryPercent: 10 },
    decisions: [{ canaryPercent: null, by: [ada] }],
  },
  "promoted, with an accepted canary": {
    ...openMessage,
    question: { status: "approved", by: [ada], canaryPercent: 10 },
    decisions: [{ canaryPercent: null, by: [ada] }],
    outcome: "promoted",
  },
  "open, prod changed meanwhile": { ...openMessage, question: { ...open, stale: "version 3" } },
  "open, asked again": { ...openMessage, askedAgain: "Prod changed." },
  "open, the commit changes its own rules": { ...openMessage, changed: ["gates.latencyP95Ms"] },
  "open, with unmapped contributors": {
    ...openMessage,
    unmapped: [{ identity: "github:stranger", why: "no person lists this login" }],
    raisedBy: 1,
  },
  "open, with a check that was omitted": {
    ...openMessage,
    omitted: [{ name: "champion", why: "prod serves no version of this model yet" }],
  },
  "approved, being deployed": approvedMessage,
  "approved, in the canary": { ...approvedMessage, progress: "Canary: 10 %" },
  "approved, in the canary, which takes orders": {
    ...approvedMessage,
    canary: { approval, percent: 10, heldUntil: null, isAborting: false, takes: ["hold", "go"] },
  },
  "approved, in the canary, which somebody holds": {
    ...approvedMessage,
    canary: {
      approval,
      percent: 10,
      heldUntil: 1_795_262_400_000,
      isAborting: false,
      takes: ["hold", "end-hold"],
    },
  },
  "rejected, not reported yet": {
    ...openMessage,
    question: { status: "rejected", by: [ada], reason: "too slow" },
  },
  withdrawn: { ...openMessage, question: { status: "withdrawn", why: "superseded by a later delivery" } },
  promoted: { ...approvedMessage, outcome: "promoted" },
  "promoted and replaced": { ...approvedMessage, outcome: "promoted", replaced: true },
  rejected: {
    ...openMessage,
    question: { status: "rejected", by: [ada], reason: "too slow" },
    outcome: "rejected",
  },
  expired: { ...openMessage, question: { status: "expired" }, outcome: "expired" },
  superseded: {
    ...openMessage,
    question: { status: "withdrawn", why: "superseded by a later delivery" },
    outcome: "superseded",
  },
  "unchanged, nobody was asked": { ...messageWithoutQuestion, outcome: "unchanged" },
  "failed, nobody was asked": { ...messageWithoutQuestion, outcome: "failed", error },
  "failed in the canary": {
    ...approvedMessage,
    outcome: "failed",
    error: { name: "CanaryFailed", cause: "errors" },
  },
  "stopped by a person's rollback": {
    ...approvedMessage,
    outcome: "superseded",
    rolledBack: { by: "ada: slow answers", kind: "interrupted" },
  },
  "taken back by a person's rollback": {
    ...approvedMessage,
    outcome: "promoted",
    rolledBack: { by: "ada: slow answers", kind: "taken back" },
  },
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isText = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.every(isText)
    : isObject(value) && (value.type === "mrkdwn" || value.type === "plain_text");

/** What Slack sends back or uses. Texts may change, so only their type is kept. */
const elementForm = (value: unknown): Form => {
  if (Array.isArray(value)) return value.map(elementForm);
  if (typeof value === "string") return value.replaceAll(approval, "<approval>").replaceAll(link, "<link>");
  if (!isObject(value)) return JSON.stringify(value);
  if (isText(value)) return String(value.type);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, elementForm(inner)]));
};

/** Blocks in their order. A block with texts only is its type; how many of one type follow each other depends on the wording. */
const blockForms = (blocks: readonly unknown[]): readonly Form[] =>
  blocks
    .map((block): Form => {
      if (!isObject(block)) return "no block";
      const { type, ...rest } = block;
      if (!Object.values(rest).every(isText)) return elementForm(block);
      return "fields" in rest ? `${type} with fields` : String(type);
    })
    .filter((form, index, forms) => typeof form !== "string" || form !== forms[index - 1]);

/** The calls to Slack by their method. */
const callForms = ({ slackCalls }: Traces): Form =>
  Object.fromEntries(
    [...Map.groupBy(slackCalls, ({ method }) => method)].map(([method, requests]) => [
      method,
      describeForm(
        requests.map(({ request }) => ({
          ...request,
          ...("blocks" in request ? { blocks: "blocks of the message" } : {}),
        })),
        {
          text: (path, text) =>
            /(^|\.)(type|callback_id|block_id|action_id|event_type)$/.test(path)
              ? literal(text)
              : text.replace(/^toy~[0-9a-f]{24}$/, "<approval>").match(/^<.*>$/)?.[0],
        },
      ),
    ]),
  );

const bodyForm = (body: string): Form => (body === "" ? "nothing" : describeForm([body]));

const callbackForms = ({ callbackResponses }: Traces): Form =>
  Object.fromEntries(
    callbackResponses.map(({ name, status, body }) => [
      name,
      { status: String(status), body: bodyForm(body) },
    ]),
  );

/** Messages by their state, calls to Slack, and responses to its callbacks. */
export const messageForms = (traces: Traces) => ({
  messages: {
    states: Object.fromEntries(
      Object.entries(states).map(([name, state]) => [
        name,
        blockForms(renderMessageBlocks(state, link).blocks),
      ]),
    ),
    "without a page of the delivery": blockForms(renderMessageBlocks(openMessage, undefined).blocks),
    "calls to Slack": callForms(traces),
    "responses to callbacks": callbackForms(traces),
  },
});
