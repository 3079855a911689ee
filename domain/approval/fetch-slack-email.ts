import { fetchSlackProfile, type SlackUsers } from "./fetch-slack-profile.ts";

/** The e-mail address of a user's Slack profile. Throws as fetchSlackProfile. */
export const fetchSlackEmail = async (slack: SlackUsers, user: string): Promise<string | undefined> =>
  (await fetchSlackProfile(slack, user)).email;
