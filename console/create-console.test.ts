import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type ConsoleWorld,
  createConsoleWorld,
  failedDeliveryName,
  openConsole,
  openDelivery,
} from "#test/support/console/console-world.ts";

let opened: ConsoleWorld;
beforeEach(async () => {
  opened = await createConsoleWorld();
});
afterEach(() => opened.world.close());

type Options = NonNullable<Parameters<typeof openConsole>[1]>;
const read = (path: string, options: Options & { readonly entityTag?: string } = {}) => {
  const { pathname, searchParams } = new URL(path, "http://console");
  const { entityTag, ...rest } = options;
  return openConsole(opened, rest)({ path: pathname, query: searchParams, entityTag });
};
const pages = [
  "/",
  "/deliveries",
  "/models/toy",
  `/models/toy/deliveries/${openDelivery}`,
  `/models/toy/deliveries/${failedDeliveryName}`,
  "/models/toy/deliveries/delivery-b",
  `/models/toy/deliveries/${openDelivery}/approval`,
  "/models/toy/audit",
];
const audit: Options = {
  source: {
    readAudit: async () => ({
      entries: [{ sequence: 1, at: 1, kind: "asked", who: null, what: "v1", hash: "a".repeat(64) }],
      verification: { status: "verified", anchor: { sequence: 1, where: "the registry" } },
    }),
  },
};

test.each(pages)(
  "%s has no script, style or address of another origin in it, and escapes its facts",
  async (path) => {
    const { status, headers, body } = await read(path, audit);
    expect(status).toBe(200);
    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; style-src 'self'; script-src 'self';/,
    );
    expect(body).not.toMatch(/<script(?![^>]*src=)|<style| style="| on[a-z]+="/);
    for (const [, address] of body.matchAll(/(?:src|<link[^>]*href)="([^"]*)"/g))
      expect(address).toMatch(/^\/console\//);
    expect(body).not.toContain("<again>");
    expect(body).not.toMatch(/undefined|\[object|NaN/);
  },
);

test("the task token reaches no page, not even encrypted", async () => {
  const token = (await opened.world.approvals.read(opened.approval))?.token;
  expect(token).toEqual(expect.any(String));
  for (const path of pages) expect((await read(path, audit)).body).not.toContain(token);
});

test("home shows what needs a person before the models: the question, then the failure of the last delivery", async () => {
  const { body } = await read("/");
  const question = body.indexOf("Approve toy v4 for production?");
  expect(question).toBeGreaterThan(0);
  expect(question).toBeLessThan(body.indexOf('id="models"'));
  expect(body).toContain("1 passed · 1 inconclusive · 1 not checked");
  expect(body).toContain('href="/#m-1"');
});

test("home shows each environment's version, and never a health that nobody measured", async () => {
  const { body } = await read("/");
  expect(body).toMatch(/Prod<\/dt><dd><b>v2<\/b>/);
  expect(body).toMatch(/Stage<\/dt><dd><b>v4<\/b>/);
  expect(body).toContain("no requests");
  expect(body).not.toContain("% failed");
  const { world } = opened;
  world.metrics.request({
    ...{
      environment: "prod",
      model: "toy",
      version: "2",
      at: world.time.now - 1,
      latencyMs: 7,
      failed: true,
    },
    labels: new Map(),
  });
  expect((await read("/")).body).toMatch(/100 % failed.*1 request<.*p95 7 ms/s);
});

test("filters are in the address, and what they do not know counts for nothing", async () => {
  expect((await read("/?name=nothing")).body).toContain("No model matches");
  expect((await read("/?show=needs-you&name=to")).body).toContain('href="/console/models/toy"');
  expect((await read("/?show=%3Cb%3E")).body).not.toContain("No model matches");
  const rows = async (query: string) =>
    [...(await read(`/deliveries${query}`)).body.matchAll(/deliveries\/(delivery-\w)"/g)].map(
      ([, name]) => name,
    );
  expect(await rows("")).toEqual(["delivery-d", "delivery-c", "delivery-b", "delivery-a"]);
  expect(await rows("?outcome=failed")).toEqual(["delivery-c"]);
  expect(await rows("?outcome=running&model=toy")).toEqual(["delivery-d"]);
  expect(await rows("?model=other")).toEqual([]);
  expect((await read("/deliveries?after=%00%00")).status).toBe(200);
});

test("a model's page has the exact command of its rollback, and what it restores", async () => {
  const { body } = await read("/models/toy");
  expect(body).toContain("Puts <b>v1</b> back on prod");
  expect(body).toContain("npx slipway rollback toy --reason &quot;why&quot;");
  expect(body).toContain("https://models.example.com/prod/toy/docs");
  expect(body).toContain(
    'aria-label="accuracy by version: v1 0.8 (served), v2 0.81 (serving), v4 0.82 (on stage); limit ≥ 0.75"',
  );
});

test("a failed delivery's page says its cause and what to do, and its failed checks come first", async () => {
  const { body } = await read(`/models/toy/deliveries/${failedDeliveryName}`);
  expect(body).toMatch(/GateFailed<\/h2><p class="cause">accuracy 0.7331 is below 0.75/);
  expect(body).toContain("Train the model further");
  const positions = ["accuracy against champion", "spans the limit", "Answered in 3 ms"].map((text) =>
    body.lastIndexOf(text),
  );
  expect(positions).toEqual(positions.toSorted((a, b) => a - b));
});

test("the approval's page has all that was bound to the question, who may decide and who may not", async () => {
  const { body } = await read(`/models/toy/deliveries/${openDelivery}/approval`);
  for (const shown of [
    "Loosened with this commit",
    "accuracy lowered from 0.8 to 0.75",
    "New with this commit",
    "Ada Byron",
    "U0BYRON12: contributed to this change",
    "sam@example.com",
    "10 % for 30 min → 50 % for 30 min → 100 %",
    "Load them with <code>npm run advisories</code>",
    "version 1 (aaaaaaaaaaaa)",
    opened.approval,
  ])
    expect(body).toContain(shown);
});

test("equal facts have an equal entity tag, which gets 304 without a body; a new fact or minute changes it", async () => {
  const first = await read("/models/toy");
  const tag = first.headers.etag ?? "";
  expect(tag).toMatch(/^"[\w-]{27}"$/);
  for (const entityTag of [tag, `W/${tag}`, `"other", ${tag}`])
    expect(await read("/models/toy", { entityTag })).toMatchObject({
      status: 304,
      body: "",
      headers: { etag: tag },
    });
  expect((await read("/", { entityTag: tag })).status).toBe(200);
  await opened.world.outcomes.keep({
    ...{ delivery: openDelivery, model: "toy", commit: "d".repeat(40), outcome: "superseded" },
    ...{ error: null, at: opened.world.time.now },
  });
  const later = await read("/models/toy", { entityTag: tag });
  expect(later.status).toBe(200);
  opened.world.time.now += 60_000;
  expect((await read("/models/toy", { entityTag: later.headers.etag ?? "" })).status).toBe(200);
});

test("assets are kept for ever under their revision, and a page names the present one", async () => {
  const { body } = await read("/");
  const [, path = "", revision = ""] = /href="\/console(\/console\.css)\?v=(\w+)"/.exec(body) ?? [];
  const style = await read(`${path}?v=${revision}`);
  expect(style.headers).toMatchObject({
    "content-type": "text/css; charset=utf-8",
    "cache-control": "public, max-age=31536000, immutable",
  });
  expect(style.body).toContain(".canary-steps li {\n");
  expect(style.body).not.toMatch(/^ |\/\*/m);
  expect((await read(`${path}?v=older`)).headers["cache-control"]).toBe("no-cache");
});

test("a link that names only the delivery leads to its page", async () => {
  expect(await read(`/deliveries/${openDelivery}`)).toMatchObject({
    status: 302,
    headers: { location: `/console/models/toy/deliveries/${openDelivery}` },
  });
});

test.each([
  "/models/nobody",
  "/models/nobody/deliveries/delivery-a",
  "/models/toy/deliveries/nobody",
  "/models/toy/deliveries/delivery-c/approval",
  "/models/%E0%A4%A/deliveries",
  "/deliveries/nobody",
  "/nothing",
  "//evil.example/",
  "/assets/console.css",
])("%s is a 404 with a sentence", async (path) => {
  const query = new URLSearchParams();
  const { status, body } = await openConsole(opened)({ path, query });
  expect(status).toBe(404);
  expect(body).toContain("There is no such page");
});

test("without an audit trail there is no page of it and no link to it", async () => {
  expect((await read("/models/toy/audit")).status).toBe(404);
  expect((await read("/models/toy")).body).not.toContain("Audit trail");
  const { body } = await read("/models/toy/audit", audit);
  expect(body).toContain("Anchored up to entry 1 in the registry");
  expect((await read("/models/toy", audit)).body).toContain("/console/models/toy/audit");
});

test.each([
  `/deliveries/${"x".repeat(2_000)}`,
  `/models/${"x".repeat(2_000)}`,
  "/models/toy/deliveries/a%2Fb",
  "/models/toy/deliveries/a%00b/approval",
  "/models/toy/deliveries/%E2%80%AE/canary",
  "/models/..%2Fpolicy/audit",
])("a name that nothing has is looked up nowhere: %s", async (path) => {
  const refuse = () => Promise.reject(new Error("a source was asked"));
  const source = {
    ...{ findModel: refuse, readModel: refuse, readDelivery: refuse, readCanary: refuse, readAudit: refuse },
  };
  expect((await read(path, { source })).status).toBe(404);
});

test("a cursor that stands for no key counts for nothing: DynamoDB refuses an empty one", async () => {
  const filters: unknown[] = [];
  const source: Options["source"] = {
    listDeliveries: async (filter) => {
      filters.push(filter);
      return { deliveries: [], next: null };
    },
  };
  await read("/deliveries?after=A", { source });
  await read("/deliveries?after=QQ", { source });
  expect(filters).toMatchObject([{ after: undefined }, { after: "QQ" }]);
});

test("of a long audit trail the newest entries are listed, and the page names the rest and the command that has all", async () => {
  const entries = Array.from({ length: 1_203 }, (_, index) => ({
    ...{ sequence: 1_203 - index, at: 1, kind: "vote", who: "Ada Byron", what: "approved" },
    hash: "a".repeat(64),
  }));
  const { body } = await read("/models/toy/audit", {
    source: { readAudit: async () => ({ entries, verification: { status: "verified", anchor: null } }) },
  });
  expect(body).toContain("#1203<");
  expect(body).toContain("#1004<");
  expect(body).not.toContain("#1003<");
  expect(body).toContain("1,003 earlier entries are not listed");
  expect(body).toContain("npx slipway audit toy");
  expect(Buffer.byteLength(body)).toBeLessThan(100_000);
});

test("a list of models that is filtered says how many of them it shows", async () => {
  expect((await read("/")).body).toContain('Models <span class="count">1</span>');
  expect((await read("/?name=churn")).body).toContain('Models <span class="count">0 of 1</span>');
});
