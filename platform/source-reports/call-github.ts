import * as z from "zod";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { GitHubRefused, isTemporaryResponse } from "#platform/source/github/github-client.ts";
import { createGitHubHeaders } from "#platform/source/github/github-headers.ts";
import { CommitNotFound } from "#platform/source/source.ts";
import { ReportsPaused } from "./source-reports.ts";

export type GitHubCaller = {
  /** `https://api.github.com`, or a GitHub Enterprise Server's, without a slash at its end. */
  readonly api: string;
  /** `refused`: the token that GitHub has just refused; a token that is cached must not be that one. */
  readonly token: (refused?: string) => Promise<string>;
  readonly fetch: typeof globalThis.fetch;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly wait: (ms: number) => Promise<unknown>;
};

const limitMs = 15_000;
const maxRedirects = 3;
/** GitHub asks for a second between writes. https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api */
const betweenWritesMs = 1_000;
/** Where a rate limit does not say how long, GitHub asks for a minute at least; no limit of GitHub lasts longer than an hour. */
const [shortestPauseMs, longestPauseMs] = [60_000, 3_600_000];

const readSeconds = (response: Response, header: string): number | undefined => {
  const text = response.headers.get(header);
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
};

/**
 * Until when GitHub takes no call (epoch milliseconds); undefined: this is no rate limit. A secondary limit may come without
 * headers. https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
const readPause = (response: Response, body: string, now: number): number | undefined => {
  if (response.status !== 403 && response.status !== 429) return undefined;
  const after = readSeconds(response, "retry-after");
  const isUsedUp = response.headers.get("x-ratelimit-remaining") === "0";
  if (after === undefined && !isUsedUp && response.status === 403 && !/secondary rate limit/i.test(body))
    return undefined;
  const reset = isUsedUp ? readSeconds(response, "x-ratelimit-reset") : undefined;
  const pause =
    after !== undefined ? after * 1_000 : reset !== undefined ? reset * 1_000 - now : shortestPauseMs;
  return now + Math.min(Math.max(pause, 1_000), longestPauseMs);
};

const remedies: Readonly<Record<number, string>> = {
  401: "The token or the app's key is not valid, or no longer: set the secret again",
  403: "A permission is missing: Deployments and Commit statuses, both read and write",
  404: "The repository is not visible, or it was deleted: correct source.repository, or give the app or the token access to it",
};

const toRefusal = (what: string, status: number, body: string): Error => {
  const text = body.slice(0, 300);
  return status === 422 && /\bno (commit found for sha|ref found for)\b/i.test(text)
    ? new CommitNotFound(`GitHub has no such commit any more (${status} to ${what}: ${text}).`)
    : new GitHubRefused(
        `GitHub refused ${what} with ${status}: ${text}. ${remedies[status] ?? "`slipway doctor` checks the connection"} (docs/github.md).`,
      );
};

/**
 * Calls GitHub's REST API and checks the response. Writes come one after the other, a second apart. A repository that was
 * renamed is followed. Throws ReportsPaused, TemporaryFault, CommitNotFound, and GitHubRefused with the remedy. No error
 * contains the token.
 */
export const callGitHub = ({ api, token: readToken, fetch, clock, wait }: GitHubCaller) => {
  let lastWrite = Number.NEGATIVE_INFINITY;

  const pace = async (): Promise<void> => {
    const early = lastWrite + betweenWritesMs - clock();
    if (early > 0) await wait(early);
    lastWrite = clock();
  };

  const send = async (
    url: string,
    method: "GET" | "POST",
    what: string,
    token: string,
    body: object | undefined,
    redirects = 0,
  ): Promise<Response> => {
    const response = await fetch(url, {
      method,
      headers: {
        ...createGitHubHeaders(token),
        ...(body ? { "content-type": "application/json" } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      // fetch would turn a POST into a GET, and take the token along to another host.
      redirect: "manual",
      signal: AbortSignal.timeout(limitMs),
    }).catch((error: unknown) => {
      throw new TemporaryFault(`GitHub did not answer ${what}: ${String(error)}`, { cause: error });
    });
    if (![301, 302, 307, 308].includes(response.status)) return response;
    await response.body?.cancel();
    // A renamed or moved repository. https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
    const header = response.headers.get("location");
    const location = header === null ? null : URL.parse(header, url);
    if (location === null || location.origin !== new URL(url).origin || redirects >= maxRedirects)
      throw new GitHubRefused(
        `GitHub answered ${what} with ${response.status}, and not with an address of its own. Write the repository's present name to source.repository in terraform/config.ts and apply the stack \`delivery\`.`,
      );
    return send(location.href, method, what, token, body, redirects + 1);
  };

  return async <Body>(
    method: "GET" | "POST",
    path: string,
    schema: z.ZodType<Body>,
    body?: object,
  ): Promise<Body> => {
    const what = `${method} ${path}`;
    const interrupted = (error: unknown): never => {
      throw new TemporaryFault(`GitHub's response to ${what} ended early`, { cause: error });
    };
    const attempt = async (token: string) => {
      if (method === "POST") await pace();
      const response = await send(`${api}${path}`, method, what, token, body);
      return { response, text: await response.text().catch(interrupted) };
    };
    const first = await readToken();
    let { response, text } = await attempt(first);
    if (response.status === 401) {
      // It was revoked before its end: another installation, or a suspended app.
      const second = await readToken(first);
      if (second !== first) ({ response, text } = await attempt(second));
    }
    const until = readPause(response, text, clock());
    if (until !== undefined)
      throw new ReportsPaused(
        `GitHub's rate limit refused ${what} with ${response.status}, until ${new Date(until).toISOString()}`,
        until,
      );
    if (isTemporaryResponse(response))
      throw new TemporaryFault(`GitHub answered ${what} with ${response.status}`);
    if (!response.ok) throw toRefusal(what, response.status, text);
    const parsed = schema.safeParse(parseJson(text, interrupted));
    if (!parsed.success)
      throw new GitHubRefused(
        `GitHub's response to ${what} has another form: ${z.prettifyError(parsed.error)}`,
      );
    return parsed.data;
  };
};

const parseJson = (text: string, onError: (error: unknown) => never): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    return onError(error);
  }
};
