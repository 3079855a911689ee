import * as z from "zod";

const UsersInfoResponse = z.object({
  user: z.object({ profile: z.object({ email: z.string().optional() }).optional() }).optional(),
});

export type SlackUsers = {
  readonly users: { readonly info: (options: { user: string }) => Promise<unknown> };
};

/**
 * The e-mail address that Slack shows for a user; undefined: none. Throws the error of the call, and ZodError for a
 * response of another form.
 * https://docs.slack.dev/reference/methods/users.info
 */
export const fetchSlackEmail = async ({ users }: SlackUsers, user: string): Promise<string | undefined> =>
  UsersInfoResponse.parse(await users.info({ user })).user?.profile?.email;
