import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { stubSlackMethods } from "#test/support/slack-method-stub.ts";
import { callbackPath } from "#worlds/embedded/desk/slack-callback-route.ts";
import { checkSlackScopes, neededScopes } from "./check-slack-scopes.ts";

const auth = { ok: true, url: "https://acme.slack.com/", team: "Acme", team_id: "T1", bot_id: "B1" };
const check = (scopes?: string) =>
  checkSlackScopes(stubSlackMethods({ "auth.test": auth }, scopes === undefined ? {} : { scopes }).needs);

test("the scopes that deliveries use are enough, in a public or a private channel", async () => {
  for (const history of ["channels:history", "groups:history"])
    expect(await check(`chat:write,${history},users:read,users:read.email`)).toMatchObject({ status: "ok" });
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

test("a response without scopes is a warning, and a refused or unset token another check's finding", async () => {
  expect(await check()).toMatchObject({ status: "warning" });
  const refused = stubSlackMethods({ "auth.test": { ok: false, error: "invalid_auth" } });
  expect(await checkSlackScopes(refused.needs)).toBeUndefined();
  const unset = stubSlackMethods({}, { token: "unset-1234" });
  expect(await checkSlackScopes(unset.needs)).toBeUndefined();
});

test("the app's manifest has these scopes and no more, and the path of the callback", () => {
  const manifest = z
    .object({
      oauth_config: z.object({ scopes: z.strictObject({ bot: z.array(z.string()) }) }),
      settings: z.object({ interactivity: z.object({ is_enabled: z.literal(true), request_url: z.url() }) }),
    })
    .parse(parse(readFileSync(new URL("../../docs/slack-app.yaml", import.meta.url), "utf8")));
  expect(manifest.oauth_config.scopes.bot).toEqual(neededScopes.map(({ scopes: [scope] }) => scope));
  expect(new URL(manifest.settings.interactivity.request_url).pathname).toBe(callbackPath);
});
