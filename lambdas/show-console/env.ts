import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of show-console. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.deliveries,
  ...variableGroups.secrets,
  ...variableGroups.prodRole,
  ...variableGroups.slack,
  ...variableGroups.audit,
  /** The workspace whose members may sign in. */
  SLACK_TEAM_ID: z.string().min(1),
  /** The console's own address, without a slash at its end. */
  CONSOLE_URL: z.url().refine((url) => !url.endsWith("/"), "an address without a slash at its end"),
  /** The user group of Slack whose members may read the console. */
  CONSOLE_USER_GROUP: z.string().regex(/^S[A-Z0-9]+$/, "a user group's id begins with S"),
  /** The client id of Slack's app. */
  CONSOLE_CLIENT_ID: z.string().min(1),
  /** Another address of Slack's OpenID provider: GovSlack's, or a test's. */
  CONSOLE_ISSUER: z.url().default("https://slack.com"),
});
