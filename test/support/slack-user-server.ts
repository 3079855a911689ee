import { startStubServer } from "./stub-server.ts";

/** Slack's users.info for these users, by their id. */
export const startSlackUserServer = (emails: Readonly<Record<string, string>>) =>
  startStubServer((_, body) => {
    const email = emails[new URLSearchParams(body.toString()).get("user") ?? ""];
    return email ? { ok: true, user: { profile: { email } } } : { ok: false, error: "user_not_found" };
  });
