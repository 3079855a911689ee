import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { GitHubRefused } from "#platform/source/github/github-client.ts";
import { CommitNotFound } from "#platform/source/source.ts";
import { startGitHubReportsServer } from "#test/peers/github/reports-server.ts";
import { createGitHubReports } from "./github.ts";
import { createGitHubAppToken } from "./github-app-token.ts";
import { ReportsPaused, type SourceReport } from "./source-reports.ts";

const { publicKey, privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const token = "a-token-of-the-test";
const at = Date.parse("2026-11-29T12:00:00Z");
const app: NonNullable<Parameters<typeof startGitHubReportsServer>[0]["app"]> = {
  id: "7",
  installation: "8",
  publicKey,
};
const [first, second] = ["a".repeat(40), "b".repeat(40)];
let server: Awaited<ReturnType<typeof startGitHubReportsServer>>;
let commits: string[];
beforeEach(async () => {
  commits = [first, second];
  app.publicKey = publicKey;
  server = await startGitHubReportsServer({ token, app, commits });
});
afterEach(async () => {
  expect(server.violations).toEqual([]);
  await server.stop();
});

const waits: number[] = [];
const surroundings = { fetch, clock: () => at, wait: async (ms: number) => void waits.push(ms) };
const open = (readToken: () => Promise<string> = async () => token) =>
  createGitHubReports({ repository: "example/models", api: server.url, token: readToken, ...surroundings });
const report = (changes: Partial<SourceReport> = {}): SourceReport => ({
  delivery: "churn-1",
  model: "churn",
  commit: first,
  url: "https://slipway.example.com/deliveries/churn-1",
  summary: { state: "pending", text: "churn v1: waits for approval" },
  environments: [
    { environment: "stage", state: "success", text: "Checked on stage" },
    { environment: "prod", state: "pending", text: "Waits for approval" },
  ],
  ...changes,
});
const promoted = (delivery: string, commit: string): SourceReport =>
  report({
    delivery,
    commit,
    summary: { state: "success", text: "churn v1: serves prod" },
    environments: [
      { environment: "stage", state: "success", text: "Checked on stage" },
      { environment: "prod", state: "success", text: "Serves prod" },
    ],
  });
const listShown = () =>
  server.deployments.map(({ environment, payload, statuses }) => [
    environment,
    payload,
    statuses.at(-1)?.state ?? "none",
  ]);

test("a delivery has a deployment in each environment and a status beside its commit, with its page", async () => {
  await open().show(report());
  expect(server.deployments).toMatchObject([
    {
      environment: "churn-stage",
      sha: first,
      payload: { delivery: "churn-1" },
      production_environment: false,
    },
    { environment: "churn-prod", sha: first, production_environment: true, statuses: [{ state: "pending" }] },
  ]);
  const { url } = report();
  expect(server.deployments.map(({ statuses }) => statuses.at(-1)?.log_url)).toEqual([url, url]);
  expect(server.statuses).toEqual([
    {
      sha: first,
      context: "slipway/churn",
      state: "pending",
      description: "churn v1: waits for approval",
      target_url: url,
    },
  ]);
});

test("an equal report writes nothing; a new state adds to what is there", async () => {
  await open().show(report());
  const writes = server.calls.filter((id) => id.includes("create")).length;
  await open().show(report());
  expect(server.calls.filter((id) => id.includes("create"))).toHaveLength(writes);
  await open().show(promoted("churn-1", first));
  expect(listShown()).toEqual([
    ["churn-stage", { delivery: "churn-1" }, "success"],
    ["churn-prod", { delivery: "churn-1" }, "success"],
  ]);
  expect(server.statuses.map(({ state }) => state)).toEqual(["pending", "success"]);
});

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
  "a report whose call %i had its effect but no response is completed by the next, without a second deployment",
  async (call) => {
    let calls = 0;
    const dropOne: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (calls++ !== call) return response;
      await response.text();
      throw new TypeError("the connection ended");
    };
    const once = createGitHubReports({
      repository: "example/models",
      api: server.url,
      token: async () => token,
      ...surroundings,
      fetch: dropOne,
    });
    await once.show(report()).catch((error: unknown) => expect(error).toBeInstanceOf(TemporaryFault));
    await open().show(report());
    expect(listShown()).toEqual([
      ["churn-stage", { delivery: "churn-1" }, "success"],
      ["churn-prod", { delivery: "churn-1" }, "pending"],
    ]);
    expect(server.statuses).toHaveLength(1);
  },
);

test("two reports at the same time leave one deployment that counts", async () => {
  await Promise.all([open().show(report()), open().show(report())]);
  await open().show(report());
  const active = listShown().filter(([, , state]) => state !== "inactive");
  expect(active.map(([environment]) => environment).sort()).toEqual(["churn-prod", "churn-stage"]);
});

test("what a version has replaced is inactive, and another model's deployment stays", async () => {
  await open().show(promoted("churn-1", first));
  await open().show({ ...promoted("transit-1", first), model: "transit" });
  await open().show(promoted("churn-2", second));
  expect(listShown()).toEqual([
    ["churn-stage", { delivery: "churn-1" }, "inactive"],
    ["churn-prod", { delivery: "churn-1" }, "inactive"],
    ["transit-stage", { delivery: "transit-1" }, "success"],
    ["transit-prod", { delivery: "transit-1" }, "success"],
    ["churn-stage", { delivery: "churn-2" }, "success"],
    ["churn-prod", { delivery: "churn-2" }, "success"],
  ]);
});

test("a text longer than GitHub's limit is cut, and no character is cut in two", async () => {
  await open().show(
    report({ summary: { state: "failure", text: `${"x".repeat(138)}${"\u{1f6a2}".repeat(9)}` } }),
  );
  expect(server.statuses[0]?.description).toBe(`${"x".repeat(138)}\u{fffd}…`);
});

describe("errors", () => {
  test.each([500, 502])("%i is temporary", async (status) => {
    server.fail(status);
    await expect(open().show(report())).rejects.toBeInstanceOf(TemporaryFault);
  });

  test("a refused token, an unknown commit and a moved repository are refusals that do not show the token", async () => {
    const refused = open(async () => "another-token").show(report());
    await expect(refused).rejects.toBeInstanceOf(GitHubRefused);
    await expect(refused).rejects.not.toThrow(/another-token/);
    await expect(open().show(report({ commit: "c".repeat(40) }))).rejects.toThrow(/422/);
    server.fail(301);
    await expect(open().show(report())).rejects.toBeInstanceOf(GitHubRefused);
  });

  test("a rate limit says until when, with or without headers, and no longer than an hour", async () => {
    const secondary = { message: "You have exceeded a secondary rate limit. Please wait a few minutes." };
    for (const [fault, seconds] of [
      [{ status: 403, headers: { "retry-after": "120" }, body: secondary }, 120],
      [{ status: 403, body: secondary }, 60],
      [{ status: 429 }, 60],
      [{ status: 429, headers: { "retry-after": "999999" } }, 3_600],
      [{ status: 429, headers: { "retry-after": "Mon, 30 Nov 2026 00:00:00 GMT" } }, 60],
      [
        {
          status: 403,
          headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(at / 1_000 + 900) },
        },
        900,
      ],
    ] as const) {
      server.fail(fault);
      const paused = open().show(report());
      await expect(paused).rejects.toBeInstanceOf(ReportsPaused);
      await expect(paused).rejects.toMatchObject({ until: at + seconds * 1_000 });
    }
    // Without such a sign it is a missing permission, which no pause mends.
    server.fail({ status: 403, body: { message: "Resource not accessible by integration" } }, 500);
    await expect(open().show(report())).rejects.toThrow(TemporaryFault);
  });

  test("a missing permission is a refusal with the remedy, and one part does not keep the others from being shown", async () => {
    server.fail({ status: 403, body: { message: "Resource not accessible by personal access token" } });
    await expect(open().show(report())).rejects.toThrow(
      /403: .*not accessible.* Deployments and Commit statuses, both read and write/s,
    );
    expect(listShown()).toHaveLength(2);
    expect(server.statuses).toEqual([]);
  });

  test("a delivery whose commit was pushed away still ends on its deployments", async () => {
    await open().show(report());
    commits.splice(commits.indexOf(first), 1);
    const ended = report({
      summary: { state: "failure", text: "churn v1: Rejected" },
      environments: [
        { environment: "stage", state: "inactive", text: "Rejected" },
        { environment: "prod", state: "inactive", text: "Rejected" },
      ],
    });
    await expect(open().show(ended)).rejects.toBeInstanceOf(CommitNotFound);
    expect(listShown().map(([, , state]) => state)).toEqual(["inactive", "inactive"]);
  });

  test("a call that is not answered is temporary", async () => {
    server.fail("silent");
    const timesOut: typeof fetch = (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(1) });
    const reports = createGitHubReports({
      repository: "example/models",
      api: server.url,
      token: async () => token,
      ...surroundings,
      fetch: timesOut,
    });
    await expect(reports.show(report())).rejects.toThrow(/did not answer GET .*TimeoutError/);
  });
});

describe("a renamed repository", () => {
  const openFormer = (api = server.url) =>
    createGitHubReports({ repository: "example/old", api, token: async () => token, ...surroundings });

  test("is followed, writes too", async () => {
    server.renameFrom("example/old");
    await openFormer().show(report());
    expect(listShown()).toHaveLength(2);
    expect(server.statuses).toHaveLength(1);
  });

  test("is not followed to another host, which would learn the token, or for ever", async () => {
    server.fail({ status: 307, headers: { location: "http://localhost:1/repos/example/models" } });
    server.fail(...[1, 2].map(() => ({ status: 301, headers: { location: "//example.com/x" } })));
    const refused = openFormer().show(report());
    await expect(refused).rejects.toBeInstanceOf(GitHubRefused);
    await expect(refused).rejects.toThrow(/source\.repository/);
    server.fail(...Array.from({ length: 12 }, () => ({ status: 301, headers: { location: "/again" } })));
    await expect(openFormer().show(report())).rejects.toThrow(/source\.repository/);
  });
});

test("writes are a second apart, as GitHub asks", async () => {
  waits.length = 0;
  await open().show(report());
  const writes = server.calls.filter((id) => id.includes("create")).length;
  expect(waits).toEqual(Array.from({ length: writes - 1 }, () => 1_000));
});

test("what a later version has replaced stays inactive when its report comes late", async () => {
  await open().show(promoted("churn-2", second));
  const late = promoted("churn-1", first);
  await open().show({
    ...late,
    environments: late.environments.map((each) => ({ ...each, state: "inactive" as const })),
  });
  await open().show(promoted("churn-2", second));
  expect(listShown().map(([environment, , state]) => [environment, state])).toEqual([
    ["churn-stage", "success"],
    ["churn-prod", "success"],
    ["churn-stage", "inactive"],
    ["churn-prod", "inactive"],
  ]);
});

describe("a token of a GitHub App", () => {
  const openApp = (
    changes: { appId?: string; installationId?: string; privateKey?: () => Promise<string> } = {},
  ) => {
    let now = at;
    const readToken = createGitHubAppToken({
      ...surroundings,
      api: server.url,
      appId: app.id,
      installationId: app.installation,
      name: "models",
      privateKey: async () => privateKey,
      clock: () => now,
      ...changes,
    });
    return { readToken, pass: (ms: number) => (now += ms) };
  };

  test("is got by a signed JWT, kept, and renewed before it ends", async () => {
    const { readToken, pass } = openApp();
    await open(readToken).show(report());
    const count = () => server.calls.filter((id) => id.startsWith("apps/")).length;
    expect(count()).toBe(1);
    pass(50 * 60_000);
    await readToken();
    expect(count()).toBe(1);
    pass(6 * 60_000);
    await readToken().catch(() => undefined);
    expect(count()).toBe(2);
  });

  test("is refused for another app or installation", async () => {
    await expect(openApp({ appId: "9" }).readToken()).rejects.toThrow(/401/);
    await expect(openApp({ installationId: "9" }).readToken()).rejects.toThrow(/404/);
  });

  test("that GitHub no longer accepts is replaced at once: the app was installed anew", async () => {
    const { readToken } = openApp();
    await open(readToken).show(report());
    server.revokeTokens();
    await open(readToken).show(promoted("churn-1", first));
    expect(server.statuses.at(-1)?.state).toBe("success");
  });

  test("needs the app's present key: an old one is refused, a new one is used as soon as it is there", async () => {
    const rotated = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    app.publicKey = rotated.publicKey;
    let key = privateKey;
    const { readToken } = openApp({ privateKey: async () => key });
    await expect(open(readToken).show(report())).rejects.toThrow(/401.*set the secret again/s);
    key = rotated.privateKey;
    await open(readToken).show(report());
    expect(server.statuses).toHaveLength(1);
  });

  test("a key that is none is named, and is not shown", async () => {
    for (const key of ["unset-1a2b", privateKey.slice(0, 200)]) {
      const refused = openApp({ privateKey: async () => key }).readToken();
      await expect(refused).rejects.toThrow(/GITHUB_APP_KEY is not a private key in PEM form/);
      await expect(refused).rejects.not.toThrow(key.slice(-20));
    }
  });
});
