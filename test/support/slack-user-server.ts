import { startStubServer } from "./stub-server.ts";

/** Slack's user look-up: these users by their id, and nobody else. */
export const startSlackUserServer = (emails: Readonly<Record<string, string>>) =>
  startStubServer((_, body) => {
    const email = emails[new URLSearchParams(body.toString()).get("user") ?? ""];
    return email ? { ok: true, user: { profile: { email } } } : { ok: false, error: "user_not_found" };
  });
