import * as z from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** The identity provider's answer proves nobody's identity; the message is for operators and has no token in it. */
export class SignInUnverified extends SlipwayError {
  override readonly name = "SignInUnverified";
  /** True: the provider did not answer, or only with an error of its own. */
  override readonly retryable: boolean;
  constructor(message: string, retryable: boolean, options?: ErrorOptions) {
    super(message, options);
    this.retryable = retryable;
  }
}

const word = z.string().regex(/^\w{1,60}$/);
/** What openid-client's errors say, apart from bodies and claims. */
const ProviderError = z.object({
  code: word.optional().catch(undefined),
  /** The provider's own word, as OAuth has it. */
  error: word.optional().catch(undefined),
  cause: z
    .object({
      status: z.number().optional().catch(undefined),
      cause: z
        .object({
          /** The claim of the id token that does not match. */
          claim: word.optional().catch(undefined),
          status: z.number().optional().catch(undefined),
          /** Slack answers 200 also when it refuses. https://docs.slack.dev/reference/methods/openid.connect.token */
          body: z
            .object({ error: word.optional().catch(undefined) })
            .optional()
            .catch(undefined),
        })
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
});

const settings = new Map([
  ["bad_client_secret", "Set SLACK_CLIENT_SECRET to the app's client secret."],
  [
    "invalid_client",
    "Set SLACK_CLIENT_SECRET to the app's client secret, and console.clientId to its client id.",
  ],
  ["invalid_client_id", "Set console.clientId in terraform/config.ts to the app's client id."],
  ["bad_redirect_uri", "Add the console's address with /sign-in/callback to the app's redirect URLs."],
]);

/** The error of openid-client as one of ours. */
export const toSignInUnverified = (thrown: unknown): SignInUnverified => {
  const { code, error, cause } = ProviderError.safeParse(thrown).data ?? {};
  const reason = error ?? cause?.cause?.body?.error;
  const status = cause?.status ?? cause?.cause?.status ?? 0;
  const hasNoAnswer = code === undefined || code === "OAUTH_TIMEOUT" || status >= 500;
  if (hasNoAnswer && reason === undefined)
    return new SignInUnverified("The identity provider did not answer.", true, { cause: thrown });
  const claim = cause?.cause?.claim;
  const details = [code, claim && `claim ${claim}`, reason].filter((text) => text !== undefined).join(", ");
  const remedy = reason === undefined ? undefined : settings.get(reason);
  return new SignInUnverified(
    `The identity provider's answer was refused (${details}).${remedy ? ` ${remedy}` : ""}`,
    false,
    { cause: thrown },
  );
};
