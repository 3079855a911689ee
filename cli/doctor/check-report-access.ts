import * as z from "zod";
import { formatPutParameter } from "#platform/secrets/format-put-parameter.ts";
import { SecretMissing, type Secrets } from "#platform/secrets/secrets.ts";
import { GitHubRefused } from "#platform/source/github/github-client.ts";
import { createGitHubHeaders } from "#platform/source/github/github-headers.ts";
import { createAppJwt } from "#platform/source-reports/github-app-token.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

type Needs = {
  readonly secrets: Secrets;
  readonly fetch: typeof fetch;
  /** Epoch milliseconds. */
  readonly clock: () => number;
};
type Response = { readonly status: number; readonly headers: Headers; readonly body: unknown };

/** What reports need, and no more; GitHub adds the reading of metadata to every app. */
const neededPermissions = new Map([
  ["deployments", "write"],
  ["statuses", "write"],
]);
const permissionNames = "Deployments and Commit statuses, both read and write";
/** The scopes of a classic token of which one is enough, and of which both are needed. */
const classicScopes = { whole: "repo", parts: ["repo_deployment", "repo:status"] };
const expiryWarningDays = 14;
const dayMs = 86_400_000;

const Message = z.object({ message: z.string() }).catch({ message: "" });
const Installation = z.object({
  app_slug: z.string(),
  permissions: z.record(z.string(), z.string()),
  suspended_at: z.string().nullish(),
});
const InstallationToken = z.object({ token: z.string().min(1) });

const readMessage = ({ status, body }: Response): string =>
  `${status} ${Message.parse(body).message.slice(0, 200)}`.trim();

const missing = (sentence: string, remedy: string): DoctorFinding => ({
  status: "missing",
  sentence: `Deliveries cannot be shown on GitHub: ${sentence}.`,
  remedy,
});

/**
 * Checks what GitHub says about the app or the token that reports deliveries; undefined where none does, or where its secret
 * has no value, which another check reports. Of an app GitHub says whether it may write; of a token it does not.
 */
export const checkReportAccess = async (
  { secrets, fetch, clock }: Needs,
  outputs: AwsOutputs,
): Promise<DoctorFinding | undefined> => {
  const {
    SOURCE_REPORTS: as,
    SOURCE_REPOSITORY: repository,
    SECRETS_PREFIX: prefix,
    GITHUB_API: api = "https://api.github.com",
    GITHUB_APP_ID: appId = "",
    GITHUB_INSTALLATION_ID: installationId = "",
  } = outputs;
  if (as === undefined) return undefined;

  const call = async (
    method: "GET" | "POST",
    path: string,
    token: string,
    body?: object,
  ): Promise<Response> => {
    const response = await fetch(`${api}${path}`, {
      method,
      headers: createGitHubHeaders(token),
      ...(body ? { body: JSON.stringify(body) } : {}),
      redirect: "manual",
      signal: AbortSignal.timeout(10_000),
    });
    if (response.status >= 500 || response.status === 429)
      throw new Error(`GitHub answered ${method} ${path} with ${response.status}`);
    return {
      status: response.status,
      headers: response.headers,
      body: await response.json().catch(() => ({})),
    };
  };
  const readSecret = async (name: string): Promise<string | undefined> => {
    try {
      const value = await secrets.read(name);
      return value.startsWith("unset-") ? undefined : value;
    } catch (error) {
      if (error instanceof SecretMissing) return undefined;
      throw error;
    }
  };
  /** What any of the two may read. Undefined: it reads the repository's deployments. */
  const checkRepository = (response: Response, who: string): DoctorFinding | undefined => {
    if (response.status >= 300 && response.status < 400)
      return {
        status: "warning",
        sentence: `The repository ${repository} has another name on GitHub now.`,
        remedy:
          "Write its present name to source.repository in terraform/config.ts and apply the stack `delivery`: GitHub forgets the former name when somebody uses it again.",
      };
    if (response.status === 404)
      return missing(
        `${who} does not see the repository ${repository}`,
        "Give it access to this repository, or correct source.repository in terraform/config.ts.",
      );
    return response.status === 200
      ? undefined
      : missing(
          `GitHub lets ${who} not read the deployments of ${repository} (${readMessage(response)})`,
          `Give it the repository permissions ${permissionNames} (docs/github.md).`,
        );
  };
  const readDeployments = (token: string) =>
    call("GET", `/repos/${repository}/deployments?per_page=1`, token);

  const checkApp = async (key: string): Promise<DoctorFinding> => {
    let jwt: string;
    try {
      jwt = createAppJwt(appId, key, Math.floor(clock() / 1_000));
    } catch (error) {
      if (!(error instanceof GitHubRefused)) throw error;
      return missing(
        "GITHUB_APP_KEY is not a private key in PEM form",
        `Set it: ${formatKeyCommand(prefix)}`,
      );
    }
    const path = `/app/installations/${encodeURIComponent(installationId)}`;
    const found = await call("GET", path, jwt);
    if (found.status === 404)
      return missing(
        `the app ${appId} has no installation ${installationId}`,
        "Install the app on the repository, and write the number at the end of the installation's address to source.reports.installationId in terraform/config.ts.",
      );
    if (found.status === 401 || found.status === 403)
      return missing(
        `GitHub does not accept the key of the app ${appId} (${readMessage(found)})`,
        `Compare source.reports.appId with the app's page, create a private key there, and set it: ${formatKeyCommand(prefix)}`,
      );
    if (found.status !== 200) throw new Error(`GitHub answered GET ${path} with ${readMessage(found)}`);
    const { app_slug: slug, permissions, suspended_at: suspended } = Installation.parse(found.body);
    if (suspended)
      return missing(
        `the installation of the app ${slug} is suspended`,
        "Unsuspend it on the installation's page.",
      );
    const lacking = [...neededPermissions].flatMap(([name, access]) =>
      getOwnProperty(permissions, name) === access ? [] : [`${name}: ${access}`],
    );
    if (lacking.length > 0)
      return missing(
        `the app ${slug} lacks ${lacking.join(" and ")} in this installation`,
        `Give the app ${permissionNames} on its page Permissions & events, and accept the change on the installation's page.`,
      );
    const created = await call("POST", `${path}/access_tokens`, jwt, {
      repositories: [repository.split("/")[1] ?? repository],
      permissions: Object.fromEntries(neededPermissions),
    });
    if (created.status !== 201)
      return missing(
        `the app ${slug} gets no token for ${repository} (${readMessage(created)})`,
        "Add the repository to the installation's repository access; if it was renamed, write its present name to source.repository in terraform/config.ts.",
      );
    const { token } = InstallationToken.parse(created.body);
    const problem = checkRepository(await readDeployments(token), `the app ${slug}`);
    if (problem) return problem;
    const superfluous = Object.entries(permissions).flatMap(([name, access]) =>
      neededPermissions.has(name) || (name === "metadata" && access === "read") ? [] : [`${name}: ${access}`],
    );
    return superfluous.length === 0
      ? {
          status: "ok",
          sentence: `The GitHub App ${slug} may create deployments and commit statuses in ${repository}, and nothing else.`,
        }
      : {
          status: "warning",
          sentence: `The GitHub App ${slug} may create deployments and commit statuses in ${repository}, and has permissions that Slipway does not use: ${superfluous.join(", ")}.`,
          remedy: `Leave it ${permissionNames}, and no other: each token that Slipway requests is for these two alone.`,
        };
  };

  const checkToken = async (token: string): Promise<DoctorFinding> => {
    const response = await readDeployments(token);
    const remedy = `Create a fine-grained token for ${repository} with ${permissionNames}, and set it: ${formatPutParameter(`${prefix}GITHUB_REPORT_TOKEN`)}`;
    if (response.status === 401) return missing("GitHub does not accept the token, or no longer", remedy);
    const problem = checkRepository(response, "the token");
    if (problem) return problem;
    // Only classic tokens have scopes. https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
    const scopes = response.headers.get("x-oauth-scopes")?.split(/,\s*/);
    if (
      scopes &&
      !scopes.includes(classicScopes.whole) &&
      !classicScopes.parts.every((each) => scopes.includes(each))
    )
      return missing(
        `the classic token lacks the scopes ${classicScopes.parts.join(" and ")}`,
        `Better than a classic token, which reaches all repositories of its person: ${remedy}`,
      );
    if (scopes)
      return {
        status: "warning",
        sentence: "GITHUB_REPORT_TOKEN is a classic token: it reaches every repository of its person.",
        remedy,
      };
    const ends = readExpiry(response.headers);
    const days = ends === undefined ? undefined : Math.floor((ends - clock()) / dayMs);
    if (ends !== undefined && days !== undefined && days < expiryWarningDays)
      return {
        status: "warning",
        sentence: `GITHUB_REPORT_TOKEN ends in ${days} ${days === 1 ? "day" : "days"}, on ${formatDay(ends)}.`,
        remedy,
      };
    return {
      status: "ok",
      sentence: `GitHub accepts the token that reports deliveries, for ${repository}${ends === undefined ? "" : `, until ${formatDay(ends)}`}.`,
    };
  };

  const key = await readSecret(as === "app" ? "GITHUB_APP_KEY" : "GITHUB_REPORT_TOKEN");
  if (key === undefined) return undefined;
  return as === "app" ? checkApp(key) : checkToken(key);
};

const formatKeyCommand = (prefix: string): string =>
  formatPutParameter(`${prefix}GITHUB_APP_KEY`, "file://<the key's file>.pem");

const formatDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** `2026-12-25 10:00:00 UTC`; absent for a token without an end. */
const readExpiry = (headers: Headers): number | undefined => {
  const text = headers.get("github-authentication-token-expiration") ?? "";
  const ms = Date.parse(text.replace(/ UTC$/, "Z").replace(" ", "T"));
  return Number.isNaN(ms) ? undefined : ms;
};
