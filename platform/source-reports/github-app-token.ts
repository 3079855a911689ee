import { createSign } from "node:crypto";
import * as z from "zod";
import { callGitHub, type GitHubCaller } from "./call-github.ts";

type Needs = Omit<GitHubCaller, "token"> & {
  /** The app's id or client id, and its installation in the repository's account. */
  readonly appId: string;
  readonly installationId: string;
  /** The name of the repository, without its owner: the token is for no other. */
  readonly name: string;
  /** The app's private key, PEM. */
  readonly privateKey: () => Promise<string>;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

const InstallationToken = z.object({ token: z.string().min(1), expires_at: z.iso.datetime() });

/** A token is renewed before it expires, so that no call that begins with it ends without. */
const reserveMs = 5 * 60_000;

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/**
 * A JWT that proves the app, for at most ten minutes; a minute in the past, because clocks differ.
 * https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
 */
const createAppJwt = (appId: string, privateKey: string, seconds: number): string => {
  const content = `${encode({ alg: "RS256", typ: "JWT" })}.${encode({ iat: seconds - 60, exp: seconds + 540, iss: appId })}`;
  return `${content}.${createSign("RSA-SHA256").update(content).sign(privateKey, "base64url")}`;
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
  clock,
  ...caller
}: Needs): (() => Promise<string>) => {
  let current: { readonly token: string; readonly expiresAt: number } | undefined;
  return async () => {
    if (current && clock() < current.expiresAt - reserveMs) return current.token;
    const jwt = createAppJwt(appId, await privateKey(), Math.floor(clock() / 1_000));
    const { token, expires_at } = await callGitHub({ ...caller, token: async () => jwt })(
      "POST",
      `/app/installations/${encodeURIComponent(installationId)}/access_tokens`,
      InstallationToken,
      { repositories: [name], permissions: { deployments: "write", statuses: "write" } },
    );
    current = { token, expiresAt: Date.parse(expires_at) };
    return token;
  };
};
