import * as z from "zod";

const UsersInfoResponse = z.object({
  user: z.object({ profile: z.object({ email: z.string().optional() }).optional() }).optional(),
});

/** Who asks Slack who a user is. */
export type SlackUsers = { readonly users: { readonly info: (of: { user: string }) => Promise<unknown> } };

/**
 * The e-mail address that Slack shows for a user; undefined: it shows none. Throws what the call throws, and ZodError for
 * an answer of another form: whether a delivery waits for Slack is the caller's to say.
 * https://docs.slack.dev/reference/methods/users.info
 */
export const fetchSlackEmail = async ({ users }: SlackUsers, user: string): Promise<string | undefined> =>
  UsersInfoResponse.parse(await users.info({ user })).user?.profile?.email;
