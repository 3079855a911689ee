import { createSign } from "node:crypto";
import * as z from "zod";
import { GitHubRefused } from "#platform/source/github/github-client.ts";
import { callGitHub, type GitHubCaller } from "./call-github.ts";

type Needs = Omit<GitHubCaller, "token"> & {
  /** The app's id or client id, and its installation in the repository's account. */
  readonly appId: string;
  readonly installationId: string;
  /** The name of the repository, without its owner: the token is for no other. */
  readonly name: string;
  /** The app's private key, PEM. */
  readonly privateKey: () => Promise<string>;
};

const InstallationToken = z.object({ token: z.string().min(1), expires_at: z.iso.datetime() });

/** A token is renewed before it expires, so that no call that begins with it ends without. */
const reserveMs = 5 * 60_000;

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/**
 * A JWT that proves the app, for at most ten minutes; a minute in the past, because clocks differ.
 * https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
 */
export const createAppJwt = (appId: string, privateKey: string, seconds: number): string => {
  const content = `${encode({ alg: "RS256", typ: "JWT" })}.${encode({ iat: seconds - 60, exp: seconds + 540, iss: appId })}`;
  const signer = createSign("RSA-SHA256").update(content);
  try {
    return `${content}.${signer.sign(privateKey, "base64url")}`;
  } catch {
    // OpenSSL's error says nothing to a person, and could quote the key.
    throw new GitHubRefused(
      "The secret GITHUB_APP_KEY is not a private key in PEM form: set it to the whole file that GitHub's page of the app gave you, with its first and last line (docs/github.md).",
    );
  }
};

/**
 * Tokens of a GitHub App's installation, with the two permissions that reports need and for one repository. Each is kept
 * until shortly before its end.
 */
export const createGitHubAppToken = ({
  appId,
  installationId,
  name,
  privateKey,
  ...caller
}: Needs): GitHubCaller["token"] => {
  const { clock } = caller;
  let current: { readonly token: string; readonly expiresAt: number } | undefined;
  const createJwt = async () => createAppJwt(appId, await privateKey(), Math.floor(clock() / 1_000));
  const call = callGitHub({ ...caller, token: createJwt });
  return async (refused) => {
    if (current && current.token !== refused && clock() < current.expiresAt - reserveMs) return current.token;
    const { token, expires_at } = await call(
      "POST",
      `/app/installations/${encodeURIComponent(installationId)}/access_tokens`,
      InstallationToken,
      { repositories: [name], permissions: { deployments: "write", statuses: "write" } },
    );
    current = { token, expiresAt: Date.parse(expires_at) };
    return token;
  };
};
