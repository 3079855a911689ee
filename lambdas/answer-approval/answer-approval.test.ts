import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { createNewApproval } from "#test/support/record-approval.ts";
import { signSlackRequest } from "#worlds/embedded/desk/sign-slack-request.ts";
import { type AnswerApprovalDependencies, answerApproval, maxCallbackBytes } from "./answer-approval.ts";

let world: MemoryWorld;
let dialogs: unknown[];
let notes: string[];
beforeEach(() => {
  world = createMemoryWorld();
  dialogs = [];
  notes = [];
});
afterEach(() => world.close());

const ada = { id: "U024BE7LH", username: "ada" };
const ok = { ok: true } as const;

const ask = async () => {
  world.engine.waiting.add("token");
  const newApproval = createNewApproval(world, { delivery: "delivery-c", letter: "c", version: 3 });
  return (await world.approvals.ask(newApproval, "token")).id;
};
const createAnswer = (changes: Partial<AnswerApprovalDependencies> = {}) =>
  answerApproval({
    ...world,
    slack: {
      views: {
        open: async (dialog) => {
          dialogs.push(dialog);
          return ok;
        },
      },
      users: { info: async () => ({ ...ok, user: { profile: { email: "ada@example.com" } } }) },
      chat: {
        postEphemeral: async (note) => {
          notes.push(JSON.stringify(note));
          return ok;
        },
      },
    },
    signingSecrets: async () => ["secret"],
    teamId: "T1",
    appId: "A1",
    ...changes,
  });
/** Sends bytes with a valid signature. */
const post = (body: string, changes: Partial<AnswerApprovalDependencies> = {}) => {
  const seconds = Math.floor(world.time.now / 1_000);
  return createAnswer(changes)({
    rawBody: Buffer.from(body),
    headers: {
      "x-slack-request-timestamp": String(seconds),
      "x-slack-signature": signSlackRequest("secret", seconds, body),
    },
  });
};
const send = (payload: object, changes: Partial<AnswerApprovalDependencies> = {}) =>
  post(
    `payload=${encodeURIComponent(
      JSON.stringify({
        user: ada,
        team: { id: "T1" },
        api_app_id: "A1",
        trigger_id: "trigger",
        channel: { id: "C1" },
        ...payload,
      }),
    )}`,
    changes,
  );
const click = (action: string, approval: string, more: object = {}) =>
  send({ type: "block_actions", actions: [{ action_id: action, value: approval }], ...more });
const submit = (approval: string, reason: string | null, callback = "reject-reason") =>
  send({
    type: "view_submission",
    view: {
      callback_id: callback,
      private_metadata: approval,
      state: { values: { reason: { reason: { value: reason } } } },
    },
  });
const statusOf = async (approval: string) => (await world.approvals.read(approval))?.state.status;

test("Approve decides at once, and the approver gets no note: the message shows it", async () => {
  const id = await ask();
  expect(await click("approve", id)).toEqual({ status: 200, body: "" });
  expect(await statusOf(id)).toBe("sent");
  expect(notes).toEqual([]);
});

test("an Approve that does not count shows its user why, and no other user", async () => {
  const id = await ask();
  await click("approve", id, { user: { id: "U0OTHER" } });
  expect(await statusOf(id)).toBe("pending");
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatch(/"channel":"C1","user":"U0OTHER"/);
});

test("Reject opens the dialog and decides nothing", async () => {
  const id = await ask();
  await click("reject", id);
  expect(dialogs).toMatchObject([{ trigger_id: "trigger", view: { private_metadata: id } }]);
  expect(await statusOf(id)).toBe("pending");
});

test("a user who may not reject gets a note instead of the dialog", async () => {
  await click("reject", await ask(), { user: { id: "U0OTHER" } });
  expect(dialogs).toEqual([]);
  expect(notes).toHaveLength(1);
});

test("the submitted dialog rejects with its reason", async () => {
  const id = await ask();
  expect(await submit(id, "  too early ")).toEqual({ status: 200, body: "" });
  expect(world.engine.answers).toMatchObject([{ output: { status: "rejected", reason: "too early" } }]);
});

test.each([null, "", " \u200b "])("a dialog without a readable reason stays open: %j", async (reason) => {
  const id = await ask();
  const { status, body } = await submit(id, reason);
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({
    response_action: "errors",
    errors: { reason: expect.any(String) },
  });
  expect(await statusOf(id)).toBe("pending");
});

test("a dialog whose rejection comes too late stays open and says so", async () => {
  const id = await ask();
  await click("approve", id);
  expect((await submit(id, "too early")).body).toContain("already approved");
});

test("a note that Slack refuses changes nothing", async () => {
  const id = await ask();
  await click("approve", id);
  const chat = { postEphemeral: () => Promise.reject(new Error("Slack is down")) };
  const slack = { ...world.slack, chat, views: { open: async () => ok }, users: { info: async () => ok } };
  const again = { type: "block_actions", actions: [{ action_id: "approve", value: id }] };
  expect(await send(again, { slack })).toEqual({ status: 200, body: "" });
  expect(world.warnings).toContain("could not show an approver a note in Slack");
});

test("a button or a dialog that decides nothing is accepted", async () => {
  const id = await ask();
  expect(await click("open-delivery", id)).toEqual({ status: 200, body: "" });
  expect(await submit(id, "too early", "another-dialog")).toEqual({ status: 200, body: "" });
  expect(await statusOf(id)).toBe("pending");
});

test.each([
  ["a body that is not a form", "hello"],
  ["a payload that is not JSON", "payload=%7B"],
  ["another type of payload", `payload=${encodeURIComponent('{"type":"shortcut"}')}`],
])("a signed request with %s is refused with 400", async (_, body) => {
  expect((await post(body)).status).toBe(400);
});

test.each([
  ["workspace", { team: { id: "T2" } }],
  ["app", { api_app_id: "A2" }],
])("a signed click for another %s is refused and decides nothing", async (_, more) => {
  const id = await ask();
  expect((await click("approve", id, more)).status).toBe(401);
  expect(await statusOf(id)).toBe("pending");
});

test("a click with a wrong signature is refused before its body is read", async () => {
  const response = await createAnswer()({
    rawBody: Buffer.from("not a form"),
    headers: {
      "x-slack-request-timestamp": String(Math.floor(world.time.now / 1_000)),
      "x-slack-signature": `v0=${"0".repeat(64)}`,
    },
  });
  expect(response).toEqual({ status: 401, body: "the signature does not match" });
});

test("a request above the limit is refused before its signature is computed", async () => {
  const signingSecrets = () => Promise.reject(new Error("the secrets were read"));
  expect((await post("x".repeat(maxCallbackBytes + 1), { signingSecrets })).status).toBe(413);
});
