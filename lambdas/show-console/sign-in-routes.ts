import { timingSafeEqual } from "node:crypto";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { Answer } from "./answer.ts";
import type { BrowserRequest } from "./browser-request.ts";
import type { Membership } from "./check-membership.ts";
import { consoleCookies } from "./cookies.ts";
import { describeRefusal } from "./describe-refusal.ts";
import type { IdentityProvider, SignInAttempt } from "./identity-provider.ts";
import { parseReturnPath } from "./parse-return-path.ts";
import type { SealedCookie } from "./sealed-cookie.ts";
import type { Sessions } from "./sessions.ts";

export const signInPaths = {
  start: "/sign-in",
  callback: "/sign-in/callback",
  signOut: "/sign-out",
  signedOut: "/signed-out",
} as const;

export type SignInNeeds = {
  readonly sessions: Sessions;
  readonly attempts: SealedCookie<SignInAttempt>;
  readonly identityProvider: IdentityProvider;
  /** The console's address, `https://<host>`, without a slash at its end. */
  readonly url: string;
  /** The workspace whose members may sign in. */
  readonly teamId: string;
  readonly clock: () => number;
  readonly warn: LogWarning;
};

/** How long a sign-in at Slack may take. */
const attemptMs = 10 * 60_000;
const { session: sessionCookie, attempt: attemptCookie } = consoleCookies;

const equal = (a: string, b: string): boolean => {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
};

/** Another page, which the browser gets with GET. */
export const redirect = (location: string, cookies: readonly string[] = []): Answer => ({
  status: 303,
  headers: { location, "content-type": "text/plain; charset=utf-8" },
  cookies,
  body: "",
});

/** Where signing in begins that ends at a page of the console. */
export const getSignInPath = (returnPath: string): string =>
  `${signInPaths.start}?return=${encodeURIComponent(parseReturnPath(returnPath))}`;

/** Tells operators why nobody can be checked; that someone may not read the console is no news for them. */
export const reportMembership = (warn: LogWarning, membership: Membership): void => {
  if (membership.status === "unknown") warn("could not ask Slack who may read the console", membership.cause);
  if (membership.status === "misconfigured")
    warn("Slack does not say who may read the console", new Error(membership.error));
};

const signInLink = (returnPath: string) => ({
  text: "Sign in with Slack",
  path: getSignInPath(returnPath),
});
const signInAgain = (text: string, returnPath = "/"): Answer => ({
  message: { status: 400, title: "Not signed in", text, link: signInLink(returnPath) },
  cookies: [attemptCookie.remove()],
});
const tellNoAnswer = (returnPath: string): Answer => ({
  message: {
    status: 503,
    title: "Slack does not answer",
    text: "Signing in needs Slack, which did not answer. Try again in a minute; if it stays so, an operator finds the reason in the log of slipway-show-console.",
    link: signInLink(returnPath),
  },
  cookies: [attemptCookie.remove()],
});

const start = async (needs: SignInNeeds, request: BrowserRequest): Promise<Answer> => {
  const { identityProvider, attempts, clock, warn } = needs;
  const returnPath = parseReturnPath(new URLSearchParams(request.query).get("return"));
  try {
    const { url, attempt } = await identityProvider.start(returnPath);
    const text = await attempts.seal(attempt, clock() + attemptMs);
    return redirect(url, [attemptCookie.set(text, attemptMs / 1_000)]);
  } catch (error) {
    warn("could not start a sign-in", error);
    return tellNoAnswer(returnPath);
  }
};

/** Opens a session for someone whose identity is proven. */
const admit = async (
  { sessions, teamId, url, warn }: SignInNeeds,
  { user, team }: Awaited<ReturnType<IdentityProvider["finish"]>>,
  returnPath: string,
): Promise<Answer> => {
  const cookies = [attemptCookie.remove()];
  if (team !== teamId)
    return {
      message: {
        status: 403,
        title: "No access",
        text: "You signed in with another workspace of Slack. Sign in again and choose the workspace in which Slipway posts.",
        link: { text: "Sign in again", path: getSignInPath(returnPath) },
      },
      cookies,
    };
  const state = await sessions.open(user);
  if (state.status === "closed") {
    reportMembership(warn, state.membership);
    return { message: describeRefusal(state.membership, getSignInPath(returnPath)), cookies };
  }
  const { session, text } = state;
  // The whole address: a browser reads a path that begins with two slashes as another host.
  return redirect(`${url}${returnPath}`, [
    ...cookies,
    sessionCookie.set(text, sessions.secondsLeft(session)),
  ]);
};

const finish = async (needs: SignInNeeds, request: BrowserRequest): Promise<Answer> => {
  const { identityProvider, attempts, clock, warn } = needs;
  const attempt = await attempts.open(request.cookies.get(attemptCookie.name), clock());
  if (attempt === undefined)
    return signInAgain(
      "This sign-in took more than 10 minutes, or it began in another browser. Start it again here.",
    );
  const { returnPath } = attempt;
  const answer = new URLSearchParams(request.query);
  if (!equal(answer.get("state") ?? "", attempt.state))
    return signInAgain(
      "This answer of Slack belongs to another sign-in, perhaps in another tab. Start again here.",
      returnPath,
    );
  if (answer.has("error"))
    return signInAgain(
      "Slack did not sign you in: you cancelled, or the workspace does not allow this app. Start again, or ask an administrator of Slack.",
      returnPath,
    );
  try {
    return await admit(needs, await identityProvider.finish(request.query, attempt), returnPath);
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.name !== "SignInUnverified") throw error;
    warn("could not verify a sign-in", error);
    return error.retryable
      ? tellNoAnswer(returnPath)
      : signInAgain(
          "Slack's answer could not be verified. Start again; if it happens again, an operator finds the reason in the log of slipway-show-console.",
          returnPath,
        );
  }
};

/** Another site could send a form here, but not with this origin. */
const signOut = ({ url }: SignInNeeds, { method, headers }: BrowserRequest): Answer => {
  if (method !== "POST") return redirect(url);
  if (headers.get("origin") === url || headers.get("sec-fetch-site") === "same-origin")
    return redirect(`${url}${signInPaths.signedOut}`, [sessionCookie.remove()]);
  return {
    message: {
      status: 403,
      title: "Not signed out",
      text: "This request came from another site. Use the button in the console.",
      link: { text: "To the console", path: "/" },
    },
  };
};

const showSignedOut = (): Answer => ({
  message: {
    status: 200,
    title: "Signed out",
    text: "You are signed out of the console. You stay signed in to Slack.",
    link: signInLink("/"),
  },
});

/** The paths on which people sign in and out; each with its answer. */
export const signInRoutes = {
  [signInPaths.start]: start,
  [signInPaths.callback]: finish,
  [signInPaths.signOut]: signOut,
  [signInPaths.signedOut]: showSignedOut,
} as const satisfies Readonly<
  Record<string, (needs: SignInNeeds, request: BrowserRequest) => Promise<Answer> | Answer>
>;
