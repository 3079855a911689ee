import { createHmac } from "node:crypto";
import * as z from "zod";
import { Outcome } from "#domain/delivery/outcomes.ts";
import { BuiltImage, buildVariables } from "#domain/delivery/parse-built-image.ts";
import { createGitHubWebhookHandler } from "#lambdas/start-delivery/github-webhook-handler.ts";
import { createPushEventHandler, createPushHandler } from "#lambdas/start-delivery/push-handler.ts";
import { StartDeliveryInput, type StartDeliveryOutput } from "#lambdas/start-delivery/start-delivery.ts";
import { DeliveryInput } from "#statemachine/contracts.ts";
import { defineDelivery, stepNames } from "#statemachine/delivery.ts";
import { stateContracts } from "#statemachine/state-contracts.ts";
import { describeForm, type Form } from "./describe-form.ts";
import type { Traces } from "./play-deliveries.ts";

/** Texts for people in a schema or a document: their wording may change. */
const texts = new Set(["description", "summary", "title", "$schema", "Comment"]);

/** Lists of names in any order. */
const unordered = new Set(["required", "enum", "ErrorEquals"]);

/** The same without texts for people, with unordered names sorted. A property named `title` is a schema, not a text. */
export const withoutTexts = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutTexts);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !(texts.has(key) && typeof inner === "string"))
      // Zod's regular expression of a format says the same as its name.
      .filter(([key, inner]) => !(key === "pattern" && typeof inner === "string" && "format" in value))
      .map(([key, inner]) => {
        if (key === "Cause" && typeof inner === "string") return [key, "<a sentence>"];
        return [key, unordered.has(key) && Array.isArray(inner) ? inner.toSorted() : withoutTexts(inner)];
      }),
  );
};

const schemaOf = (schema: z.ZodType) =>
  withoutTexts(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));

/** Input and output of each state. Without the schemas' names, which are internal. */
const states = () => ({
  "the state machine": { input: schemaOf(DeliveryInput), outcome: schemaOf(Outcome) },
  "what the variables of a build say": schemaOf(BuiltImage),
  ...Object.fromEntries(
    Object.entries(stateContracts).map(([state, { input, output }]) => [
      state,
      { input: input ? schemaOf(input) : "as CodeBuild defines it", output: schemaOf(output) },
    ]),
  ),
});

const definition = () => {
  const arns = stepNames.map((name) => [name, `<arn of ${name}>`] as const);
  const functions = Object.fromEntries(arns) as Parameters<typeof defineDelivery>[0]["functions"];
  return withoutTexts(defineDelivery({ functions, buildProject: "<build project>" }));
};

const settings = { repository: "acme/models", branch: "main", runtime: `sha256:${"f".repeat(64)}` };
const before = "b".repeat(40);
const after = "c".repeat(40);

const gitHubPush = {
  ref: "refs/heads/main",
  before,
  after,
  forced: false,
  repository: { full_name: settings.repository },
  pusher: { name: "ada", email: "ada@example.com" },
  commits: [],
};
/** An event of each source. */
const events: Readonly<Record<string, object>> = {
  CodeCommit: {
    source: "aws.codecommit",
    "detail-type": "CodeCommit Repository State Change",
    detail: {
      event: "referenceUpdated",
      repositoryName: settings.repository,
      referenceType: "branch",
      referenceName: "main",
      oldCommitId: before,
      commitId: after,
      callerUserArn: "arn:aws:sts::123456789012:assumed-role/DataScience/pat@example.com",
    },
  },
  "GitHub's workflow": { source: "github.actions", push: gitHubPush, attempt: 2, startedBy: "eve" },
  "by hand": { before: null, after, pusher: null, models: ["churn"], startedBy: "ada", attempt: 1 },
};

const withPlaceholders = (text: string): string =>
  text.replaceAll(before, "<before>").replaceAll(after, "<after>").replaceAll(settings.runtime, "<runtime>");

const result: StartDeliveryOutput = {
  deliveries: [{ name: "churn-1", model: "churn", started: true }],
  removed: [],
};

/** The input that start-delivery reads from an event. */
const receive = async (event: unknown): Promise<Form> => {
  const inputs: Form[] = [];
  const push = createPushEventHandler(settings)({
    start: async (input) => {
      const read = StartDeliveryInput.safeParse(input);
      if (read.success) inputs.push(JSON.parse(withPlaceholders(JSON.stringify(read.data))));
      else inputs.push("not understood");
      return result;
    },
    pushes: { recordBranch: async () => undefined },
  });
  await push(event);
  return inputs[0] ?? "starts nothing";
};

/** Paths of all fields, nested ones included. */
const fieldsOf = (value: unknown, path: readonly string[] = []): (readonly string[])[] =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...fieldsOf(inner, [...path, key])])
    : [];

const without = (value: unknown, [key = "", ...rest]: readonly string[]): unknown => {
  const entries = Object.entries(value as object);
  return Object.fromEntries(
    rest.length === 0
      ? entries.filter(([name]) => name !== key)
      : entries.map(([name, inner]) => [name, name === key ? without(inner, rest) : inner]),
  );
};

/** The fields in which an input differs from another one. */
const difference = (input: Form, whole: Form): Form => {
  if (typeof input === "string" || typeof whole === "string") return input;
  const differing = Object.keys({ ...whole, ...input }).flatMap((key) => {
    const [value, before] = [Reflect.get(input, key), Reflect.get(whole, key)];
    return JSON.stringify(value) === JSON.stringify(before)
      ? []
      : [[key, value === undefined ? "absent" : value] as const];
  });
  return differing.length === 0 ? "no difference" : Object.fromEntries(differing);
};

/** The input that an event leads to, and how it differs without each of the fields. */
const eventForm = async (event: object): Promise<Form> => {
  const whole = await receive(event);
  const fields: Record<string, Form> = {};
  for (const path of fieldsOf(event))
    fields[path.join(".")] = difference(await receive(without(event, path)), whole);
  return { starts: whole, "without a field": fields };
};

/** How the webhook responds; the signature has GitHub's own form. */
const webhook = async (): Promise<Form> => {
  const push = createPushHandler(settings, {
    start: async () => result,
    pushes: { recordBranch: async () => undefined },
  });
  const receiveWebhook = createGitHubWebhookHandler({ secrets: async () => ["secret"], push });
  const sign = (body: string) => `sha256=${createHmac("sha256", "secret").update(body).digest("hex")}`;
  const send = async (body: string, event: string, signature = sign(body)): Promise<Form> => {
    const response = await receiveWebhook({
      rawBody: Buffer.from(body),
      headers: { "X-GitHub-Event": event, "X-Hub-Signature-256": signature },
    });
    const form = response.body.startsWith("{") ? describeForm([response.body]) : "text";
    return { status: String(response.status), body: form };
  };
  const payload = JSON.stringify(gitHubPush);
  return {
    "a push": await send(payload, "push"),
    "a ping": await send("{}", "ping"),
    "another event": await send("{}", "release"),
    "a push that is none": await send("{}", "push"),
    "another signature": await send(payload, "push", sign("other")),
    "too large": await send("x".repeat(5_000_001), "push"),
  };
};

/** The state machine, the contracts of its states, and the events that start it. */
export const eventForms = async ({ startResults }: Traces) => ({
  "state-machine": definition(),
  "state-contracts": states(),
  "push-events": {
    ...Object.fromEntries(
      await Promise.all(
        Object.entries(events).map(async ([source, event]) => [source, await eventForm(event)]),
      ),
    ),
    "GitHub's webhook": await webhook(),
    "input of start-delivery": schemaOf(StartDeliveryInput),
    "output of start-delivery": describeForm(startResults),
    "variables that a build exports": Object.values(buildVariables).toSorted(),
  },
});
