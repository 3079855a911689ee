import type { ConsoleRequest, ConsoleResponse } from "#console/create-console.ts";
import type { Assets } from "#console/read-assets.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { Answer } from "./answer.ts";
import type { BrowserRequest, BrowserResponse } from "./browser-request.ts";
import { consoleCookies } from "./cookies.ts";
import { describeRefusal } from "./describe-refusal.ts";
import { renderMessagePage } from "./message-page.ts";
import { parseReturnPath } from "./parse-return-path.ts";
import {
  getSignInPath,
  redirect,
  reportMembership,
  type SignInNeeds,
  signInPaths,
  signInRoutes,
} from "./sign-in-routes.ts";

export type ShowConsoleNeeds = SignInNeeds & {
  /** The pages, for people who may read them. */
  readonly show: (request: ConsoleRequest) => Promise<ConsoleResponse>;
  /** The pages' style and script: public, because the pages of people who are not signed in need them too. */
  readonly assets: Pick<Assets, "files" | "revision">;
};

/** API Gateway adds none. The pages of the embedded world have fewer of them, because they are not on the internet. */
const securityHeaders = {
  "content-security-policy":
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // Under a stricter policy a form's Origin header is null, and signing out reads it.
  "referrer-policy": "same-origin",
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "x-robots-tag": "noindex",
};

const { session: sessionCookie } = consoleCookies;

const showPage = async (needs: ShowConsoleNeeds, request: BrowserRequest): Promise<Answer> => {
  const { sessions, show, url, warn } = needs;
  const { path, headers } = request;
  const returnPath = parseReturnPath(`${path}${request.query === "" ? "" : `?${request.query}`}`);
  const state = await sessions.read(request.cookies.get(sessionCookie.name));
  switch (state.status) {
    case "none": {
      // A script that reads a page again must not be sent to Slack: it learns that the session is over.
      const mode = headers.get("sec-fetch-mode") ?? "navigate";
      if (mode === "navigate") return redirect(`${url}${getSignInPath(returnPath)}`);
      return {
        message: {
          status: 401,
          title: "Not signed in",
          text: "Your session is over: 8 hours have passed, or the console got a new key. Sign in again.",
          link: { text: "Sign in with Slack", path: getSignInPath(returnPath) },
        },
      };
    }
    case "closed": {
      const { membership } = state;
      reportMembership(warn, membership);
      // While Slack does not answer, the session stays as it is: the next request asks again.
      const isOver = membership.status === "refused";
      return {
        message: describeRefusal(membership, isOver ? getSignInPath(returnPath) : returnPath),
        cookies: isOver ? [sessionCookie.remove()] : [],
      };
    }
    case "open": {
      const { session, text } = state;
      const entityTag = headers.get("if-none-match");
      const page = await show({ path, query: new URLSearchParams(request.query), entityTag });
      const cookies = text === undefined ? [] : [sessionCookie.set(text, sessions.secondsLeft(session))];
      return { ...page, headers: { ...page.headers, "cache-control": "no-store" }, cookies };
    }
    default:
      return state satisfies never;
  }
};

const route = async (needs: ShowConsoleNeeds, request: BrowserRequest): Promise<Answer> => {
  const { method, path } = request;
  const isRead = method === "GET" || method === "HEAD";
  if (!isRead && !(method === "POST" && path === signInPaths.signOut))
    return { message: { status: 405, title: "Not possible here", text: "The console only shows." } };
  const answer = getOwnProperty(signInRoutes, path);
  if (answer) return answer(needs, request);
  if (needs.assets.files.has(path.slice(1)))
    return needs.show({ path, query: new URLSearchParams(request.query) });
  return showPage(needs, request);
};

/** Errors of the pages' sources: a person gets a page, and operators the reason. */
const answerAnyway = async (needs: ShowConsoleNeeds, request: BrowserRequest): Promise<Answer> => {
  try {
    return await route(needs, request);
  } catch (error) {
    needs.warn("could not show a page", error);
    return {
      message: {
        status: 500,
        title: "The console could not read this page",
        text: "Try again in a minute. If it stays so, an operator finds the reason in the log of slipway-show-console; deliveries go on without the console.",
        link: { text: "Try again", path: parseReturnPath(request.path) },
      },
    };
  }
};

/** Answers a browser: signs people in by Slack, and shows the console's pages to members of the user group. */
export const showConsole =
  (needs: ShowConsoleNeeds) =>
  async (request: BrowserRequest): Promise<BrowserResponse> => {
    const answer = await answerAnyway(needs, request);
    const { status, headers, body }: BrowserResponse =
      "message" in answer ? await renderMessagePage(needs.assets.revision, answer.message) : answer;
    return {
      status,
      headers: { "cache-control": "no-store", ...headers, ...securityHeaders },
      cookies: answer.cookies ?? [],
      body: request.method === "HEAD" || status === 304 ? "" : body,
    };
  };
