import { timingSafeEqual } from "node:crypto";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import type { BrowserRequest, BrowserResponse } from "./browser-request.ts";
import type { IdentityProvider, SignInAttempt } from "./identity-provider.ts";
import { renderMessagePage } from "./message-page.ts";
import { parseReturnPath } from "./parse-return-path.ts";
import type { SealedCookie } from "./sealed-cookie.ts";
import { renderRefusal } from "./session-refusals.ts";
import type { Sessions } from "./sessions.ts";

type ConsoleRequest = { readonly path: string; readonly query: URLSearchParams; readonly entityTag?: string };
type ConsoleResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type ShowConsoleNeeds = {
  /** The pages, for people who may read them. */
  readonly show: (request: ConsoleRequest) => Promise<ConsoleResponse>;
  readonly sessions: Sessions;
  readonly attempts: SealedCookie<SignInAttempt>;
  readonly identityProvider: IdentityProvider;
  /** `https://<host>`, without a slash at its end. */
  readonly url: string;
  /** The workspace whose members may sign in. */
  readonly teamId: string;
  readonly clock: () => number;
  readonly warn: LogWarning;
};

const signInPath = "/sign-in";
const callbackPath = "/sign-in/callback";
const signOutPath = "/sign-out";
const signedOutPath = "/signed-out";
/** Files without data, which the pages of people who are not signed in need too. */
const publicPaths: ReadonlySet<string> = new Set(["/console.css"]);

const sessionCookie = "__Host-slipway-session";
const attemptCookie = "__Host-slipway-sign-in";
/** How long a sign-in at Slack may take. */
const attemptMs = 10 * 60_000;

/**
 * `__Host-`: only this host sets and gets it, over TLS alone. Lax: it comes along when someone follows a link in Slack,
 * and with no request that another site makes in the background.
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie
 */
const formatCookie = (name: string, value: string, seconds: number): string =>
  `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${seconds}`;
const removeCookie = (name: string): string => formatCookie(name, "", 0);

const securityHeaders = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // A form's Origin header is null under a stricter policy, and signing out reads it.
  "referrer-policy": "same-origin",
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "x-robots-tag": "noindex",
};

const equal = (a: string, b: string): boolean => {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
};

const redirect = (location: string, cookies: readonly string[] = []): BrowserResponse => ({
  status: 303,
  headers: { location, "content-type": "text/plain; charset=utf-8" },
  cookies,
  body: "",
});

const getSignInPath = (returnPath: string): string =>
  `${signInPath}?return=${encodeURIComponent(parseReturnPath(returnPath))}`;

const signInAgain = (text: string, returnPath = "/"): BrowserResponse => ({
  ...renderMessagePage({
    status: 400,
    title: "Not signed in",
    text,
    link: { text: "Sign in with Slack", path: getSignInPath(returnPath) },
  }),
  cookies: [removeCookie(attemptCookie)],
});

const renderNoAnswer = (returnPath: string): BrowserResponse => {
  const page = renderMessagePage({
    status: 503,
    title: "Slack does not answer",
    text: "Signing in needs Slack, which did not answer. Try again in a minute; if it stays so, an operator finds the reason in the log of slipway-show-console.",
    link: { text: "Sign in with Slack", path: getSignInPath(returnPath) },
  });
  return { ...page, headers: { ...page.headers, "retry-after": "60" } };
};

const startSignIn = async (needs: ShowConsoleNeeds, request: BrowserRequest): Promise<BrowserResponse> => {
  const { identityProvider, attempts, clock, warn } = needs;
  const returnPath = parseReturnPath(new URLSearchParams(request.query).get("return"));
  try {
    const { url, attempt } = await identityProvider.start(returnPath);
    const text = await attempts.seal(attempt, clock() + attemptMs);
    return redirect(url, [formatCookie(attemptCookie, text, attemptMs / 1_000)]);
  } catch (error) {
    warn("could not start a sign-in", error);
    return renderNoAnswer(returnPath);
  }
};

const finishSignIn = async (needs: ShowConsoleNeeds, request: BrowserRequest): Promise<BrowserResponse> => {
  const { identityProvider, attempts, sessions, clock, teamId, url, warn } = needs;
  const attempt = await attempts.open(request.cookies.get(attemptCookie), clock());
  if (attempt === undefined)
    return signInAgain(
      "This sign-in took more than 10 minutes, or it began in another browser. Start it again here.",
    );
  const answer = new URLSearchParams(request.query);
  if (!equal(answer.get("state") ?? "", attempt.state))
    return signInAgain(
      "This answer of Slack belongs to another sign-in, perhaps in another tab. Start again here.",
      attempt.returnPath,
    );
  if (answer.has("error"))
    return signInAgain(
      "Slack did not sign you in: you cancelled, or the workspace does not allow this app. Start again, or ask an administrator of Slack.",
      attempt.returnPath,
    );
  let person: Awaited<ReturnType<IdentityProvider["finish"]>>;
  try {
    person = await identityProvider.finish(request.query, attempt);
  } catch (error) {
    warn("could not verify a sign-in", error);
    if (error instanceof SlipwayError && error.retryable)
      return { ...renderNoAnswer(attempt.returnPath), cookies: [removeCookie(attemptCookie)] };
    return signInAgain(
      "Slack's answer could not be verified. Start again; if it happens again, an operator finds the reason in the log of slipway-show-console.",
      attempt.returnPath,
    );
  }
  const cookies = [removeCookie(attemptCookie)];
  if (person.team !== teamId)
    return {
      ...renderMessagePage({
        status: 403,
        title: "No access",
        text: "You signed in with another workspace of Slack. Sign in again and choose the workspace in which Slipway posts.",
        link: { text: "Sign in again", path: getSignInPath(attempt.returnPath) },
      }),
      cookies,
    };
  const state = await sessions.open(person.user);
  if (state.status === "closed") {
    if (state.membership.status === "unknown") warn("could not check who signs in", state.membership.cause);
    return { ...renderRefusal(state.membership, getSignInPath(attempt.returnPath)), cookies };
  }
  return redirect(`${url}${attempt.returnPath}`, [
    ...cookies,
    formatCookie(sessionCookie, state.text ?? "", sessions.secondsLeft(state.session)),
  ]);
};

/** Another site could send a form here, but not with this origin. */
const signOut = ({ url }: ShowConsoleNeeds, { headers }: BrowserRequest): BrowserResponse =>
  headers.get("origin") === url || headers.get("sec-fetch-site") === "same-origin"
    ? redirect(`${url}${signedOutPath}`, [removeCookie(sessionCookie)])
    : renderMessagePage({
        status: 403,
        title: "Not signed out",
        text: "This request came from another site. Use the button in the console.",
        link: { text: "To the console", path: "/" },
      });

const showPage = async (needs: ShowConsoleNeeds, request: BrowserRequest): Promise<BrowserResponse> => {
  const { sessions, show, url, warn } = needs;
  const { path, headers } = request;
  const entityTag = headers.get("if-none-match");
  const respond = () =>
    show({ path, query: new URLSearchParams(request.query), ...(entityTag !== undefined && { entityTag }) });
  if (publicPaths.has(path)) return respond();
  const returnPath = parseReturnPath(`${path}${request.query === "" ? "" : `?${request.query}`}`);
  const state = await sessions.read(request.cookies.get(sessionCookie));
  switch (state.status) {
    case "none": {
      // A script that reads a page again must not be sent to Slack: it shows that the session is over.
      const mode = headers.get("sec-fetch-mode");
      if (mode === undefined || mode === "navigate") return redirect(`${url}${getSignInPath(returnPath)}`);
      return renderMessagePage({
        status: 401,
        title: "Not signed in",
        text: "Your session is over: 8 hours have passed, or the console got a new key. Sign in again.",
        link: { text: "Sign in with Slack", path: getSignInPath(returnPath) },
      });
    }
    case "closed": {
      const { membership } = state;
      if (membership.status === "unknown") warn("could not check a session", membership.cause);
      // While Slack does not answer, the session stays as it is: the next request asks again.
      const cookies = membership.status === "refused" ? [removeCookie(sessionCookie)] : [];
      const retryPath = membership.status === "refused" ? getSignInPath(returnPath) : returnPath;
      return { ...renderRefusal(membership, retryPath), cookies };
    }
    case "open": {
      const { session, text } = state;
      const cookies =
        text === undefined ? [] : [formatCookie(sessionCookie, text, sessions.secondsLeft(session))];
      return { ...(await respond()), cookies };
    }
    default:
      return state satisfies never;
  }
};

const route = (
  needs: ShowConsoleNeeds,
  request: BrowserRequest,
): Promise<BrowserResponse> | BrowserResponse => {
  const { method, path } = request;
  if (method === "POST" && path === signOutPath) return signOut(needs, request);
  if (method !== "GET" && method !== "HEAD")
    return {
      ...renderMessagePage({ status: 405, title: "Not possible here", text: "The console only shows." }),
    };
  switch (path) {
    case signInPath:
      return startSignIn(needs, request);
    case callbackPath:
      return finishSignIn(needs, request);
    case signOutPath:
      return redirect(needs.url);
    case signedOutPath:
      return renderMessagePage({
        status: 200,
        title: "Signed out",
        text: "You are signed out of the console. You stay signed in to Slack.",
        link: { text: "Sign in with Slack", path: getSignInPath("/") },
      });
    default:
      return showPage(needs, request);
  }
};

/** Answers a browser: signs people in by Slack, and shows the console's pages to members of the user group. */
export const showConsole =
  (needs: ShowConsoleNeeds) =>
  async (request: BrowserRequest): Promise<BrowserResponse> => {
    const { status, headers, cookies = [], body } = await route(needs, request);
    const cached = publicPaths.has(request.path) ? { "cache-control": "public, max-age=300" } : {};
    return {
      status,
      headers: { ...headers, ...securityHeaders, ...cached },
      cookies,
      body: request.method === "HEAD" || status === 304 ? "" : body,
    };
  };
