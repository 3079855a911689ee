import * as z from "zod";

const UsersInfoResponse = z.object({
  user: z
    .object({
      deleted: z.boolean().default(false),
      is_bot: z.boolean().default(false),
      is_restricted: z.boolean().default(false),
      is_ultra_restricted: z.boolean().default(false),
      is_stranger: z.boolean().default(false),
      profile: z.object({ email: z.string().optional() }).optional(),
    })
    .optional(),
});

export type SlackUsers = {
  readonly users: { readonly info: (options: { user: string }) => Promise<unknown> };
};

type SlackProfile = {
  /** Undefined: none, or the account is deactivated or a bot's, so that nobody decides by it. */
  readonly email: string | undefined;
  /** A guest of one or more channels, or a person of another organisation in a shared channel. */
  readonly isGuest: boolean;
};

/**
 * What Slack shows for a user. Throws the error of the call, and ZodError for a response of another form.
 * https://docs.slack.dev/reference/methods/users.info, https://docs.slack.dev/reference/objects/user-object
 */
export const fetchSlackProfile = async ({ users }: SlackUsers, user: string): Promise<SlackProfile> => {
  const { user: found } = UsersInfoResponse.parse(await users.info({ user }));
  return {
    email: found?.deleted || found?.is_bot ? undefined : found?.profile?.email,
    isGuest: (found?.is_restricted || found?.is_ultra_restricted || found?.is_stranger) ?? false,
  };
};
