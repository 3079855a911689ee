import { expect, test } from "vitest";
import { readAppManifest } from "#slack/read-app-manifest.ts";
import { stubSlackMethods } from "#test/support/slack-method-stub.ts";
import { requiredScopes } from "#worlds/embedded/desk/required-scopes.ts";
import { callbackPath } from "#worlds/embedded/desk/slack-callback-route.ts";
import { checkSlackScopes } from "./check-slack-scopes.ts";

const auth = { ok: true, url: "https://acme.slack.com/", team: "Acme", team_id: "T1", bot_id: "B1" };
const check = (scopes?: string) =>
  checkSlackScopes(stubSlackMethods({ "auth.test": auth }, scopes === undefined ? {} : { scopes }).needs);

test("the scopes that deliveries use are enough, in a public or a private channel", async () => {
  for (const history of ["channels:history", "groups:history"])
    expect(await check(`chat:write,${history},users:read,users:read.email`)).toMatchObject({ status: "ok" });
});

test("the scope for user groups is no requirement: only rules that name one need it", async () => {
  const scopes = "chat:write,channels:history,users:read,users:read.email,usergroups:read";
  expect(await check(scopes)).toMatchObject({ status: "ok" });
});

test("without users:read nobody's address can be read, even with users:read.email", async () => {
  expect(await check("chat:write,channels:history,users:read.email")).toMatchObject({
    status: "missing",
    sentence: "The bot's token lacks users:read (to read approvers' profiles).",
    remedy: expect.stringContaining("reinstall the app"),
  });
});

test("all missing scopes are named at once", async () => {
  expect(await check("incoming-webhook")).toMatchObject({
    sentence: expect.stringMatching(
      /chat:write .*channels:history or groups:history .*users:read .*users:read\.email/,
    ),
  });
});

test("a console also needs to read its user group", async () => {
  const scopes = "chat:write,channels:history,users:read,users:read.email";
  const { needs } = stubSlackMethods({ "auth.test": auth }, { scopes });
  expect(await checkSlackScopes(needs, true)).toMatchObject({
    status: "missing",
    sentence:
      "The bot's token lacks usergroups:read (to read who is in the user groups that may approve, and that may open the console).",
  });
});

test("a response without scopes is a warning, and a refused or unset token another check's finding", async () => {
  expect(await check()).toMatchObject({ status: "warning" });
  const refused = stubSlackMethods({ "auth.test": { ok: false, error: "invalid_auth" } });
  expect(await checkSlackScopes(refused.needs)).toBeUndefined();
  const unset = stubSlackMethods({}, { token: "unset-1234" });
  expect(await checkSlackScopes(unset.needs)).toBeUndefined();
});

test("scopes that Slipway does not use are a warning that names them", async () => {
  expect(
    await check("chat:write,channels:history,users:read,users:read.email,channels:join,files:read"),
  ).toMatchObject({
    status: "warning",
    sentence: expect.stringMatching(/does not use: channels:join, files:read\.$/),
    remedy: expect.stringContaining("docs/slack-app.yaml"),
  });
});

test("the app's manifest has the scopes that the app's calls need and no more, says what each is for, and has the path of the callback", () => {
  const { scopes, userScopes, requestUrl, redirectUrl } = readAppManifest();
  expect(scopes.map(({ scope }) => scope).toSorted()).toEqual(
    [...new Set(Object.values(requiredScopes))].toSorted(),
  );
  for (const { purpose } of scopes) expect(purpose).not.toBe("");
  // The id token says who signs in; the bot reads the rest.
  expect(userScopes).toEqual(["openid"]);
  expect(new URL(redirectUrl).pathname).toBe("/sign-in/callback");
  expect(new URL(requestUrl).pathname).toBe(callbackPath);
});
