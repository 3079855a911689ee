import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  enableNonRepudiationChecks,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from "openid-client";
import * as z from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { SignInUnverified, toSignInUnverified } from "./sign-in-unverified.ts";

/** What the browser keeps between the start of a sign-in and its end. */
export const SignInAttempt = z.strictObject({
  state: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
  returnPath: z.string(),
});
export type SignInAttempt = z.infer<typeof SignInAttempt>;

/** Slack's own claims. https://docs.slack.dev/authentication/sign-in-with-slack */
const SlackClaims = z.object({
  "https://slack.com/user_id": z.string().regex(/^[UW][A-Z0-9]+$/),
  "https://slack.com/team_id": z.string().regex(/^[TE][A-Z0-9]+$/),
});

type SignedInUser = { readonly user: string; readonly team: string };

export type IdentityProvider = {
  /** Slack's page on which the person signs in, and what the end of the sign-in needs. Throws SignInUnverified. */
  readonly start: (returnPath: string) => Promise<{ readonly url: string; readonly attempt: SignInAttempt }>;
  /** Verifies the answer that the browser brings back; `query` as it arrived. Throws SignInUnverified. */
  readonly finish: (query: string, attempt: SignInAttempt) => Promise<SignedInUser>;
};

type Needs = {
  /** The provider's address: https://slack.com. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: () => Promise<string>;
  /** Where the provider sends the browser back: one of the app's redirect URLs. */
  readonly redirectUrl: string;
};

const timeoutSeconds = 5;

/** A provider on this machine has no certificate; every other has to have one. */
const isOnThisMachine = (issuer: string): boolean =>
  /^http:\/\/(localhost|127\.0\.0\.1):\d+\/?$/.test(issuer);

/**
 * Slack as an OpenID provider: authorization code flow with PKCE, state and nonce. The id token's signature is verified,
 * although it comes from Slack itself over TLS.
 * https://docs.slack.dev/authentication/sign-in-with-slack
 */
export const createIdentityProvider = ({
  issuer,
  clientId,
  clientSecret,
  redirectUrl,
}: Needs): IdentityProvider => {
  /** The provider's addresses and keys, for one secret: a rotated secret counts at once. */
  let cached: { readonly secret: string; readonly configuration: Promise<Configuration> } | undefined;
  const configure = async (): Promise<Configuration> => {
    const secret = await clientSecret();
    if (cached?.secret === secret) return cached.configuration;
    // Slack reads the secret from the body. https://docs.slack.dev/reference/methods/openid.connect.token
    const configuration = discovery(new URL(issuer), clientId, undefined, ClientSecretPost(secret), {
      timeout: timeoutSeconds,
      execute: [enableNonRepudiationChecks, ...(isOnThisMachine(issuer) ? [allowInsecureRequests] : [])],
    }).catch((error: unknown) => {
      if (cached?.configuration === configuration) cached = undefined;
      // openid-client's errors have no name of their own, and a bundle renames classes.
      throw toSignInUnverified(error);
    });
    cached = { secret, configuration };
    return configuration;
  };
  return {
    start: async (returnPath) => {
      const attempt = {
        state: randomState(),
        nonce: randomNonce(),
        codeVerifier: randomPKCECodeVerifier(),
        returnPath,
      };
      const url = buildAuthorizationUrl(await configure(), {
        redirect_uri: redirectUrl,
        // Nothing else: the id token names user and workspace, and the bot reads the rest.
        scope: "openid",
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await calculatePKCECodeChallenge(attempt.codeVerifier),
        code_challenge_method: "S256",
      });
      return { url: url.href, attempt };
    },
    finish: async (query, { state, nonce, codeVerifier }) => {
      try {
        const tokens = await authorizationCodeGrant(await configure(), new URL(`${redirectUrl}?${query}`), {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: codeVerifier,
          idTokenExpected: true,
        });
        const claims = SlackClaims.safeParse(tokens.claims()).data;
        if (claims === undefined)
          throw new SignInUnverified("The id token has no user and workspace of Slack.", false);
        return { user: claims["https://slack.com/user_id"], team: claims["https://slack.com/team_id"] };
      } catch (error) {
        throw error instanceof SlipwayError ? error : toSignInUnverified(error);
      }
    },
  };
};
