import { expect, test } from "vitest";
import { stubSlackMethods } from "#test/support/slack-method-stub.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { checkConsole } from "./check-console.ts";

const url = "https://abc.execute-api.eu-central-1.amazonaws.com";
const outputs = { CONSOLE_URL: url, CONSOLE_USER_GROUP: "S0614TZR7" } as AwsOutputs;
const check = (group: Readonly<Record<string, unknown>>, status = 200, token = "xoxb-test") => {
  const slack = stubSlackMethods({ "usergroups.users.list": group }, { token }).needs;
  const fetch = async (...[input, init]: Parameters<typeof globalThis.fetch>) =>
    String(input).startsWith(url)
      ? new Response(String(input) === `${url}/signed-out` ? "" : null, { status })
      : slack.fetch(input, init);
  return checkConsole({ ...slack, fetch }, outputs);
};

test("the console's address is shown with the number of its readers", async () => {
  expect(await check({ ok: true, users: ["U1", "U2"] })).toEqual({
    status: "ok",
    sentence: `The console is at ${url}, for the 2 members of the user group S0614TZR7.`,
  });
});

test("an empty, unknown or hidden user group is found", async () => {
  for (const [group, text] of [
    [{ ok: true, users: [] }, "has no members"],
    [{ ok: false, error: "no_such_subteam" }, "no_such_subteam"],
    [{ ok: false, error: "missing_scope" }, "missing_scope"],
  ] as const)
    expect(await check(group)).toMatchObject({
      status: "warning",
      sentence: expect.stringContaining(text),
      remedy: expect.stringContaining("usergroups:read"),
    });
});

test("a console that does not answer is found", async () => {
  expect(await check({}, 500)).toMatchObject({
    status: "warning",
    sentence: expect.stringContaining("status 500"),
  });
});

test("an unset token is another check's finding, and without a console there is nothing to check", async () => {
  expect(await check({}, 200, "unset-1")).toEqual({ status: "ok", sentence: `The console is at ${url}.` });
  expect(await checkConsole(stubSlackMethods({}).needs, {} as AwsOutputs)).toBeUndefined();
});
