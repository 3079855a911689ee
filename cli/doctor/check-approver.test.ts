import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { stubSlackMethods } from "#test/support/slack-method-stub.ts";
import { checkApprover } from "./check-approver.ts";
import { placeholderApprover } from "./placeholder-approver.ts";

const approver = { user: "U01ADA", files: ["policy.yaml", "models/churn/model.yaml"] };
/** Slack's users.info for a member, with `change` in the user. */
const member = (change: object = {}) => ({
  ok: true,
  user: {
    id: "U01ADA",
    team_id: "T1",
    name: "ada",
    deleted: false,
    is_bot: false,
    profile: { real_name: "Ada", email: "ada@example.com" },
    ...change,
  },
});
const check = (body: Readonly<Record<string, unknown>>) =>
  checkApprover(stubSlackMethods({ "users.info": body }).needs, approver);

test("a person with an address can approve", async () => {
  expect(await check(member())).toMatchObject({ status: "ok" });
});

test("a former member, an app and a stranger cannot, and the finding names the files to change", async () => {
  for (const [body, what] of [
    [member({ deleted: true, profile: undefined }), /is deactivated/],
    [member({ is_bot: true }), /is an app/],
    [{ ok: false, error: "user_not_found" }, /is nobody in this Slack workspace/],
  ] as const)
    expect(await check(body)).toMatchObject({
      status: "missing",
      sentence: expect.stringMatching(what),
      remedy: expect.stringContaining("in policy.yaml, models/churn/model.yaml"),
    });
});

test("a person whose address the app may not read cannot approve", async () => {
  expect(await check(member({ profile: { real_name: "Ada" } }))).toMatchObject({
    status: "missing",
    remedy: expect.stringContaining("users:read.email"),
  });
});

test("a scope that the app lacks is named", async () => {
  expect(
    await check({ ok: false, error: "missing_scope", needed: "users:read", provided: "chat:write" }),
  ).toMatchObject({ status: "warning", sentence: expect.stringContaining("users:read") });
});

test("the shipped example is an error before Slack is even known, and says what to write", async () => {
  expect(readFileSync(new URL("../../policy.yaml", import.meta.url), "utf8")).toContain(placeholderApprover);
  const finding = await checkApprover(undefined, { user: placeholderApprover, files: ["policy.yaml"] });
  expect(finding).toEqual({
    status: "missing",
    sentence: expect.stringContaining("is the example that Slipway ships"),
    remedy: expect.stringContaining("Copy member ID"),
  });
});

test("a user group needs members, and the scope to read them", async () => {
  const checkGroup = (body: Readonly<Record<string, unknown>>) =>
    checkApprover(stubSlackMethods({ "usergroups.users.list": body }).needs, {
      user: "S0TEAM",
      files: ["policy.yaml"],
    });
  expect(await checkGroup({ ok: true, users: ["U01ADA", "U02BOB"] })).toEqual({
    status: "ok",
    sentence: "The user group S0TEAM has 2 members.",
  });
  for (const [body, what] of [
    [{ ok: true, users: [] }, /S0TEAM in policy.yaml has no members/],
    [{ ok: false, error: "no_such_subteam" }, /is none of this Slack workspace/],
    [{ ok: false, error: "missing_scope", needed: "usergroups:read" }, /lacks the scope usergroups:read/],
  ] as const)
    expect(await checkGroup(body)).toMatchObject({
      status: "missing",
      sentence: expect.stringMatching(what),
    });
});
