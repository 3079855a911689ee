import { checkMembership, type SlackDirectory } from "./check-membership.ts";
import { createIdentityProvider, SignInAttempt } from "./identity-provider.ts";
import { createSealedCookie } from "./sealed-cookie.ts";
import { createSessions, Session } from "./sessions.ts";
import { type SignInNeeds, signInPaths } from "./sign-in-routes.ts";

type Needs = {
  readonly slack: SlackDirectory;
  /** What seals the cookies: the first one seals, each of them opens. */
  readonly sessionKeys: () => Promise<readonly string[]>;
  readonly clientSecret: () => Promise<string>;
  readonly clock: () => number;
  /** Names as in the function's environment. */
  readonly env: {
    readonly CONSOLE_URL: string;
    readonly CONSOLE_USER_GROUP: string;
    readonly CONSOLE_CLIENT_ID: string;
    readonly CONSOLE_ISSUER: string;
    readonly SLACK_TEAM_ID: string;
  };
};

/** Everything that signing in needs, put together from secrets and settings. */
export const openSignIn = ({
  slack,
  sessionKeys: secrets,
  clientSecret,
  clock,
  env,
}: Needs): Omit<SignInNeeds, "warn"> => {
  const {
    CONSOLE_URL: url,
    CONSOLE_ISSUER: issuer,
    CONSOLE_CLIENT_ID: clientId,
    SLACK_TEAM_ID: teamId,
  } = env;
  const cookie = createSealedCookie({ purpose: "session", schema: Session, secrets });
  const membership = checkMembership({ slack, teamId, userGroup: env.CONSOLE_USER_GROUP });
  const redirectUrl = `${url}${signInPaths.callback}`;
  return {
    sessions: createSessions({ cookie, checkMembership: membership, clock }),
    attempts: createSealedCookie({ purpose: "sign-in", schema: SignInAttempt, secrets }),
    identityProvider: createIdentityProvider({ issuer, clientId, clientSecret, redirectUrl }),
    url,
    teamId,
    clock,
  };
};
