import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createGitHubWebhookHandler } from "./github-webhook-handler.ts";
import { createPushHandler } from "./push-handler.ts";
import type { StartDeliveryOutput } from "./start-delivery.ts";
import { verifyGitHubSignature } from "./verify-github-signature.ts";

const secret = "a webhook's secret";
const source = { repository: "acme/models", branch: "main", runtime: `sha256:${"a".repeat(64)}` };
const before = "b".repeat(40);
const after = "c".repeat(40);
const payload = (changes: object = {}) =>
  JSON.stringify({
    ref: "refs/heads/main",
    before,
    after,
    forced: false,
    repository: { full_name: "acme/models" },
    pusher: { name: "ada", email: "ada@example.com" },
    commits: [],
    ...changes,
  });
const sign = (body: string | Uint8Array, by = secret) =>
  `sha256=${createHmac("sha256", by).update(body).digest("hex")}`;

/** The response to a request to the route, and what it started. */
const send = async (
  body: string,
  {
    event = "push",
    signature = sign(body),
    secrets = [secret],
  }: { event?: string; signature?: string; secrets?: string[] } = {},
) => {
  const started: unknown[] = [];
  const start = async (input: unknown): Promise<StartDeliveryOutput> => {
    started.push(input);
    return { deliveries: [{ name: "churn-1", model: "churn", started: true }], removed: [] };
  };
  const push = createPushHandler(source, { start, pushes: { recordBranch: async () => undefined } });
  const webhook = createGitHubWebhookHandler({ secrets: async () => secrets, push });
  const headers = { "X-GitHub-Event": event, "X-Hub-Signature-256": signature };
  return { ...(await webhook({ rawBody: Buffer.from(body), headers })), started };
};

test("GitHub's own example of a signature matches", () => {
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
  const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  expect(verifyGitHubSignature(Buffer.from("Hello, World!"), signature, ["It's a Secret to Everybody"])).toBe(
    true,
  );
});

test("a signed push starts its deliveries", async () => {
  const { status, body, started } = await send(payload());
  expect(status).toBe(202);
  expect(JSON.parse(body)).toMatchObject({ deliveries: [{ name: "churn-1" }] });
  expect(started).toEqual([{ ...startedInput, pusher: "github:ada <ada@example.com>" }]);
});
const startedInput = { repository: "acme/models", before, after, attempt: 1, runtime: source.runtime };

test("an account without a public address is known by its login", async () => {
  const { started } = await send(payload({ pusher: { name: "ada", email: null } }));
  expect(started).toMatchObject([{ pusher: "github:ada" }]);
});

test("a new branch has no commit before it", async () => {
  const { started } = await send(payload({ before: "0".repeat(40) }));
  expect(started).toMatchObject([{ before: null, after }]);
});

test("during a rotation both secrets are valid, and an empty one never is", async () => {
  const body = payload();
  expect((await send(body, { secrets: ["new", secret] })).status).toBe(202);
  expect((await send(body, { secrets: ["new"] })).status).toBe(401);
  expect((await send(body, { secrets: [""], signature: sign(body, "") })).status).toBe(401);
});

test("a changed byte in the body or the signature is refused before anything is parsed", async () => {
  const body = payload();
  const signature = sign(body);
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (inBody, at, flip) => {
      const bytes = Buffer.from(inBody ? body : signature);
      const place = at % bytes.length;
      bytes[place] = (bytes[place] ?? 0) ^ flip;
      const changed = bytes.toString("latin1");
      expect(
        verifyGitHubSignature(inBody ? bytes : Buffer.from(body), inBody ? signature : changed, [secret]),
      ).toBe(false);
    }),
  );
  expect(await send("not JSON", { signature: sign("else") })).toMatchObject({ status: 401, started: [] });
  expect(await send(body, { signature: "" })).toMatchObject({ status: 401, started: [] });
});

test("a body above the limit is refused without being read, even when it is signed", async () => {
  expect(await send("x".repeat(5_000_001))).toMatchObject({ status: 413, started: [] });
});

test.each<[string, object, RegExp]>([
  ["another branch", { ref: "refs/heads/try-out" }, /Only pushes to main deliver/],
  ["a tag", { ref: "refs/tags/v1" }, /tag delivers nothing/],
  ["a deleted branch", { after: "0".repeat(40), forced: true }, /main was deleted/],
  ["a rewritten branch", { forced: true }, /main was rewritten.*slipway deliver/],
  ["another repository", { repository: { full_name: "acme/else" } }, /push is to acme\/else/],
])("%s starts nothing, and the response says why", async (_, changes, why) => {
  const { status, body, started } = await send(payload(changes));
  expect(status).toBe(202);
  expect(JSON.parse(body)).toEqual({ deliveries: [], removed: [], ignored: expect.stringMatching(why) });
  expect(started).toEqual([]);
});

test.each([
  ["a ping", "{}", { event: "ping" }, 200],
  ["another event", "{}", { event: "issues" }, 202],
  ["invalid JSON", "payload=%7B%7D", {}, 400],
  ["another payload", `{"ref":1}`, {}, 400],
])("%s starts nothing", async (_, body, options, status) => {
  expect(await send(body, options)).toMatchObject({ status, started: [] });
});
