import * as z from "zod";

const UsersInfoResponse = z.object({
  user: z
    .object({
      deleted: z.boolean().default(false),
      is_bot: z.boolean().default(false),
      profile: z.object({ email: z.string().optional() }).optional(),
    })
    .optional(),
});

export type SlackUsers = {
  readonly users: { readonly info: (options: { user: string }) => Promise<unknown> };
};

/**
 * The e-mail address that Slack shows for a user; undefined: none, or the account is deactivated or a bot's, so that nobody
 * decides by it. Throws the error of the call, and ZodError for a
 * response of another form.
 * https://docs.slack.dev/reference/methods/users.info
 */
export const fetchSlackEmail = async ({ users }: SlackUsers, user: string): Promise<string | undefined> => {
  const { user: found } = UsersInfoResponse.parse(await users.info({ user }));
  return found?.deleted || found?.is_bot ? undefined : found?.profile?.email;
};
