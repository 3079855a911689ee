import * as z from "zod";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { GitHubRefused, isTemporaryResponse } from "#platform/source/github/github-client.ts";

export type GitHubCaller = {
  /** `https://api.github.com`, or a GitHub Enterprise Server's, without a slash at its end. */
  readonly api: string;
  readonly token: () => Promise<string>;
  readonly fetch: typeof globalThis.fetch;
};

const limitMs = 15_000;

/**
 * Calls GitHub's REST API and checks the response. Throws TemporaryFault, and GitHubRefused with the remedy. No error
 * contains the token.
 */
export const callGitHub =
  ({ api, token, fetch }: GitHubCaller) =>
  async <Body>(
    method: "GET" | "POST",
    path: string,
    schema: z.ZodType<Body>,
    body?: object,
  ): Promise<Body> => {
    const response = await fetch(`${api}${path}`, {
      method,
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${await token()}`,
        "user-agent": "slipway",
        "x-github-api-version": "2022-11-28",
        ...(body ? { "content-type": "application/json" } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      // A redirect of a renamed repository would turn a POST into a GET.
      redirect: "manual",
      signal: AbortSignal.timeout(limitMs),
    }).catch((error: unknown) => {
      throw new TemporaryFault(`GitHub did not answer ${method} ${path}: ${String(error)}`, { cause: error });
    });
    if (isTemporaryResponse(response))
      throw new TemporaryFault(`GitHub answered ${method} ${path} with ${response.status}`);
    if (!response.ok)
      throw new GitHubRefused(
        `GitHub refused ${method} ${path} with ${response.status}: ${(await response.text()).slice(0, 300)}`,
      );
    const parsed = schema.safeParse(
      await response.json().catch((error: unknown) => {
        throw new TemporaryFault(`GitHub's response to ${path} ended early`, { cause: error });
      }),
    );
    if (!parsed.success)
      throw new GitHubRefused(
        `GitHub's response to ${method} ${path} has another form: ${z.prettifyError(parsed.error)}`,
      );
    return parsed.data;
  };
