import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SecretMissing } from "#platform/secrets/secrets.ts";
import { startGitHubReportsServer } from "#test/peers/github/reports-server.ts";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import { checkReportAccess } from "./check-report-access.ts";

const createKey = () =>
  generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
const { publicKey, privateKey } = createKey();
const now = Date.parse("2026-11-29T12:00:00Z");
type App = NonNullable<Parameters<typeof startGitHubReportsServer>[0]["app"]>;
let app: App;
let server: Awaited<ReturnType<typeof startGitHubReportsServer>>;
beforeEach(async () => {
  app = { id: "7", installation: "8", publicKey };
  server = await startGitHubReportsServer({ token: "the-token-of-the-test", app, commits: [] });
});
afterEach(async () => {
  expect(server.violations).toEqual([]);
  // The doctor changes nothing.
  expect(server.calls.filter((id) => id.startsWith("repos/create"))).toEqual([]);
  await server.stop();
});

const check = async (changes: Partial<AwsOutputs> & { secret?: string } = {}) => {
  const { secret = privateKey, ...outputs } = changes;
  const finding = await checkReportAccess(
    { secrets: { read: async () => secret }, fetch, clock: () => now },
    {
      SOURCE_REPORTS: "app",
      SOURCE_REPOSITORY: "example/models",
      SECRETS_PREFIX: "/slipway/",
      GITHUB_API: server.url,
      GITHUB_APP_ID: "7",
      GITHUB_INSTALLATION_ID: "8",
      ...outputs,
    } as AwsOutputs,
  );
  expect(JSON.stringify(finding ?? "")).not.toMatch(/PRIVATE KEY|ghs_|the-token/);
  return finding;
};

test("without reports, and without a secret, which another check reports, there is nothing to check", async () => {
  expect(await check({ SOURCE_REPORTS: undefined })).toBeUndefined();
  expect(await check({ secret: "unset-12ab" })).toBeUndefined();
  const secrets = { read: () => Promise.reject(new SecretMissing("it is not there")) };
  expect(
    await checkReportAccess({ secrets, fetch, clock: () => now }, { SOURCE_REPORTS: "token" } as AwsOutputs),
  ).toBeUndefined();
  expect(server.calls).toEqual([]);
});

describe("an app", () => {
  test("may write where GitHub grants it both permissions for this repository", async () => {
    expect(await check()).toEqual({
      status: "ok",
      sentence:
        "The GitHub App slipway may create deployments and commit statuses in example/models, and nothing else.",
    });
  });

  test("with more permissions is a warning that names them", async () => {
    app.permissions = { deployments: "write", statuses: "write", metadata: "read", contents: "write" };
    expect(await check()).toMatchObject({
      status: "warning",
      sentence: expect.stringMatching(/does not use: contents: write\.$/),
    });
  });

  const breakages: readonly [string, () => Partial<Parameters<typeof check>[0]>, RegExp, RegExp][] = [
    [
      "with a rotated key",
      () => {
        app.publicKey = createKey().publicKey;
        return {};
      },
      /does not accept the key of the app 7 \(401/,
      /put-parameter .*GITHUB_APP_KEY --value file:/,
    ],
    ["with the wrong id", () => ({ GITHUB_APP_ID: "9" }), /key of the app 9/, /source\.reports\.appId/],
    ["with a key that is none", () => ({ secret: "abc" }), /not a private key/, /--value file:/],
    [
      "with the wrong installation",
      () => ({ GITHUB_INSTALLATION_ID: "9" }),
      /no installation 9/,
      /source\.reports\.installationId/,
    ],
    [
      "that is suspended",
      () => {
        app.suspendedAt = "2026-11-29T12:00:00Z";
        return {};
      },
      /suspended/,
      /Unsuspend/,
    ],
    [
      "that may only read deployments",
      () => {
        app.permissions = { deployments: "read", metadata: "read" };
        return {};
      },
      /lacks deployments: write and statuses: write/,
      /accept the change on the installation's page/,
    ],
    [
      "that is not installed on the repository",
      () => {
        app.repositories = ["other"];
        return {};
      },
      /gets no token for example\/models \(422 There is at least one repository/,
      /repository access/,
    ],
  ];
  test.each(breakages)("%s cannot report, with the remedy", async (_, breakIt, sentence, remedy) => {
    expect(await check(breakIt())).toEqual({
      status: "missing",
      sentence: expect.stringMatching(sentence),
      remedy: expect.stringMatching(remedy),
    });
  });
});

describe("a token", () => {
  const checkToken = (changes: Parameters<typeof check>[0] = {}) =>
    check({ SOURCE_REPORTS: "token", secret: "the-token-of-the-test", ...changes });

  test("that GitHub accepts is said to be accepted, not to be allowed to write, with its end", async () => {
    server.headers["github-authentication-token-expiration"] = "2027-03-01 10:00:00 UTC";
    expect(await checkToken()).toEqual({
      status: "ok",
      sentence: "GitHub accepts the token that reports deliveries, for example/models, until 2027-03-01.",
    });
  });

  test("that ends soon is a warning", async () => {
    server.headers["github-authentication-token-expiration"] = "2026-12-01 10:00:00 UTC";
    expect(await checkToken()).toMatchObject({
      status: "warning",
      sentence: "GITHUB_REPORT_TOKEN ends in 1 day, on 2026-12-01.",
    });
  });

  test("that GitHub refuses, or that does not see the repository, cannot report", async () => {
    expect(await checkToken({ secret: "another" })).toMatchObject({
      status: "missing",
      sentence: expect.stringContaining("does not accept the token"),
    });
    expect(await checkToken({ SOURCE_REPOSITORY: "example/other" })).toMatchObject({
      status: "missing",
      sentence: expect.stringContaining("does not see the repository example/other"),
    });
    server.fail({ status: 403, body: { message: "Resource not accessible by personal access token" } });
    expect(await checkToken()).toMatchObject({
      status: "missing",
      remedy: expect.stringContaining("Deployments and Commit statuses, both read and write"),
    });
  });

  test("of the classic kind needs its scopes, and is a warning with them", async () => {
    server.headers["x-oauth-scopes"] = "read:org, repo:status";
    expect(await checkToken()).toMatchObject({
      status: "missing",
      sentence: expect.stringContaining("repo_deployment and repo:status"),
    });
    for (const scopes of ["repo", "repo_deployment, repo:status"]) {
      server.headers["x-oauth-scopes"] = scopes;
      expect(await checkToken()).toMatchObject({
        status: "warning",
        sentence: expect.stringContaining("every repository of its person"),
      });
    }
  });

  test("of a repository that was renamed is a warning", async () => {
    server.renameFrom("example/old");
    expect(await checkToken({ SOURCE_REPOSITORY: "example/old" })).toMatchObject({
      status: "warning",
      sentence: "The repository example/old has another name on GitHub now.",
    });
  });
});

test("GitHub's own error is no finding about the app: another run may say more", async () => {
  server.fail(503);
  await expect(check()).rejects.toThrow(/503/);
});
