import { WebClient } from "@slack/web-api";
import { afterEach, beforeEach, expect, test } from "vitest";
import { slackClientOptions } from "#slack/slack-channel.ts";
import { startStubServer } from "#test/support/stub-server.ts";
import { checkMembership } from "./check-membership.ts";

const ada = "U024BE7LH";
let answers: Record<string, unknown>;
let asked: URLSearchParams[];
let server: Awaited<ReturnType<typeof startStubServer>>;
beforeEach(async () => {
  asked = [];
  answers = {
    "/usergroups.users.list": { ok: true, users: ["U0OTHER", ada] },
    "/users.info": {
      ok: true,
      user: { id: ada, team_id: "T1", name: "ada", real_name: "Ada Lovelace", deleted: false },
    },
  };
  server = await startStubServer((request, body) => {
    asked.push(new URLSearchParams(body.toString()));
    return answers[request.url ?? ""];
  });
});
afterEach(() => server.stop());

const check = (user = ada) => {
  const slack = new WebClient("xoxb-test", { ...slackClientOptions, slackApiUrl: `${server.url}/` });
  return checkMembership({ slack, teamId: "T1", userGroup: "S0614TZR7" })(user);
};
const isUser = (changes: object) => {
  answers["/users.info"] = { ok: true, user: { id: ada, team_id: "T1", name: "ada", ...changes } };
};

test("a full member of the workspace and of the group may read", async () => {
  expect(await check()).toEqual({ status: "member", name: "Ada Lovelace" });
  expect(asked.map((body) => body.get("usergroup") ?? body.get("user")).toSorted()).toEqual([
    "S0614TZR7",
    ada,
  ]);
});

test("so may one whose home is another workspace of the organization", async () => {
  isUser({ team_id: "T2", enterprise_user: { teams: ["T2", "T1"] } });
  expect(await check()).toMatchObject({ status: "member" });
});

test("a user outside the group may not", async () => {
  answers["/usergroups.users.list"] = { ok: true, users: ["U0OTHER"] };
  expect(await check()).toEqual({ status: "refused", reason: "not-in-group" });
});

test.each([{ is_restricted: true }, { is_ultra_restricted: true }, { is_stranger: true }, { team_id: "T2" }])(
  "a guest may not, even in the group: %j",
  async (changes) => {
    isUser(changes);
    expect(await check()).toEqual({ status: "refused", reason: "guest" });
  },
);

test.each([{ deleted: true }, { is_bot: true }])(
  "a deactivated account and a bot may not: %j",
  async (changes) => {
    isUser(changes);
    expect(await check()).toEqual({ status: "refused", reason: "deactivated" });
  },
);

test("a user that Slack does not know may not", async () => {
  answers["/users.info"] = { ok: false, error: "user_not_found" };
  expect(await check()).toEqual({ status: "refused", reason: "deactivated" });
});

test.each(["no_such_subteam", "missing_scope", "plan_upgrade_required", "invalid_auth"])(
  "Slack's %s is an operator's to repair",
  async (error) => {
    answers["/usergroups.users.list"] = { ok: false, error };
    expect(await check()).toEqual({ status: "misconfigured", error });
  },
);

test.each([
  ["an internal error", { ok: false, error: "internal_error" }],
  ["an answer without users", { ok: true }],
  ["an answer of another form", { ok: true, users: ada }],
])("%s says nothing about the user", async (_, answer) => {
  answers["/usergroups.users.list"] = answer;
  expect(await check()).toMatchObject({ status: "unknown" });
});

test("an answer about another user says nothing about this one", async () => {
  isUser({ id: "U0OTHER" });
  expect(await check()).toMatchObject({ status: "unknown" });
});

test("Slack that does not answer says nothing about the user", async () => {
  await server.stop();
  expect(await check()).toMatchObject({ status: "unknown" });
  server = await startStubServer(() => ({}));
});
