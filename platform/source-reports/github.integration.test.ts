import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { GitHubRefused } from "#platform/source/github/github-client.ts";
import { startGitHubReportsServer } from "#test/peers/github/reports-server.ts";
import { createGitHubReports } from "./github.ts";
import { createGitHubAppToken } from "./github-app-token.ts";
import type { SourceReport } from "./source-reports.ts";

const { publicKey, privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const token = "a-token-of-the-test";
const app = { id: "7", installation: "8", publicKey };
const [first, second] = ["a".repeat(40), "b".repeat(40)];
let server: Awaited<ReturnType<typeof startGitHubReportsServer>>;
beforeEach(async () => {
  server = await startGitHubReportsServer({ token, app, commits: [first, second] });
});
afterEach(async () => {
  expect(server.violations).toEqual([]);
  await server.stop();
});

const open = (readToken: () => Promise<string> = async () => token) =>
  createGitHubReports({ repository: "example/models", api: server.url, token: readToken, fetch });
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

test("a text longer than GitHub's limit is cut", async () => {
  await open().show(report({ summary: { state: "failure", text: "x".repeat(500) } }));
  expect(server.statuses[0]?.description).toHaveLength(140);
});

describe("errors", () => {
  test.each([500, 502, 429])("%i is temporary", async (status) => {
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
});

describe("a token of a GitHub App", () => {
  const openApp = (
    changes: { appId?: string; installationId?: string } = {},
    clock = Date.parse("2026-11-29T12:00:00Z"),
  ) => {
    let now = clock;
    const readToken = createGitHubAppToken({
      api: server.url,
      fetch,
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
});
