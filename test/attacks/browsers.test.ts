/** A page of another site, or a DNS name that points to this machine, can do nothing through a person's browser. */
import { createServer, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { admitKey } from "#api-keys/admit-key.ts";
import { createApiKeyStore } from "#api-keys/api-key-store.ts";
import { createRateLimiter } from "#api-keys/rate-limiter.ts";
import { isRecordsPath } from "#inference/records/is-records-path.ts";
import { PredictionPage, type RecordStorage } from "#inference/records/records.ts";
import { serveModel } from "#inference/serve-model.ts";
import type { Serving } from "#platform/serving/serving.ts";
import { requireBrowser } from "#test/support/browser.ts";
import { startDesk } from "#test/support/desk/start-desk.ts";
import { buildValidRequests } from "#test/support/hostile-requests.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createGateway } from "#worlds/embedded/gateway/gateway.ts";
import { honoListener } from "#worlds/embedded/gateway/hono-listener.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import { createKeyAuthorizer } from "#worlds/embedded/gateway/key-authorizer.ts";

const churn = fileURLToPath(new URL("../../models/churn", import.meta.url));
const { rows } = readChurnGolden();
const nativeBody = JSON.stringify({ rows: rows.slice(0, 1) });
const tensors = Buffer.from(buildValidRequests(rows.slice(0, 1))[2]?.body ?? "").toString();

/** `slipway serve` of a folder, built as its command builds it. */
const startModelServer = async () => {
  const { store, clock, database } = memoryStore();
  const objects = new Map<string, Uint8Array>();
  const storage: RecordStorage = {
    store,
    blobs: {
      put: async (key, bytes) => void objects.set(key, bytes),
      get: async (key) => objects.get(key),
    },
  };
  const keys = createApiKeyStore({
    store,
    clock,
    random: (size) => crypto.getRandomValues(new Uint8Array(size)),
  });
  const warn = () => undefined;
  let ids = 0;
  const { app, offloadProcess, release } = await serveModel({
    folder: churn,
    identity: { environment: "prod", version: 3 },
    records: { storage, hashKey: new Uint8Array(32) },
    admit: admitKey({
      keys,
      limiter: createRateLimiter({ store, clock, warn }),
      environment: "prod",
      warn,
      logRefusal: warn,
    }),
    needsKey: async ({ path }) => isRecordsPath(path) && (await keys.hasAnyKey()),
    hostNames: ["models.example.com", "other.example.com:8443"],
    now: clock,
    tick: clock,
    newId: () => `id-${++ids}`,
    report: () => undefined,
    log: warn,
  });
  const server = await startHttpServer(0);
  server.serve(app);
  return {
    base: "",
    url: server.url,
    keys,
    close: async () => {
      await server.close();
      offloadProcess.stop();
      await release();
      database.close();
    },
  };
};

/** The rehearsal's gateway in front of a version without these rules: that version responds to every request. */
const startOldGateway = async () => {
  const { store, clock, database } = memoryStore();
  const keys = createApiKeyStore({
    store,
    clock,
    random: (size) => crypto.getRandomValues(new Uint8Array(size)),
  });
  let total = 0;
  const serving = {
    invoke: async (_model, _qualifier, payload) => {
      const isPost = JSON.stringify(payload).includes('"method":"POST"');
      if (isPost) total++;
      return { payload: isPost ? { total } : { items: [], total }, version: "1", durationMs: 1 };
    },
  } as Partial<Serving> as Serving;
  const server = await startHttpServer(0);
  const gateway = createGateway({
    servings: { stage: serving, prod: serving },
    clock,
    requestId: () => "request-1",
    authorize: createKeyAuthorizer({
      keys,
      store,
      token: "the control token",
      clock,
      log: () => undefined,
    }),
  });
  server.serve(honoListener(gateway, () => undefined));
  return {
    base: "/prod/models/churn",
    url: server.url,
    keys,
    close: async () => {
      await server.close();
      database.close();
    },
  };
};

type ModelServer = Awaited<ReturnType<typeof startModelServer>>;
type RawResponse = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

/** Sends exactly this request: fetch would neither send another Host nor leave out the content type. */
const sendRequest = (
  { url, base }: Pick<ModelServer, "url" | "base">,
  path: string,
  {
    method = "GET",
    headers = {},
    body,
  }: { method?: string; headers?: Readonly<Record<string, string>>; body?: string } = {},
): Promise<RawResponse> =>
  new Promise((resolve, reject) => {
    const outgoing = httpRequest(`${url}${base}${path}`, { method, headers }, async (response) =>
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: await text(response),
      }),
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
const predict = (server: ModelServer, headers: Readonly<Record<string, string>>, path = "/v1/predict") =>
  sendRequest(server, path, { method: "POST", headers, body: path === "/v1/predict" ? nativeBody : tensors });
const infer = "/v2/models/churn/infer";
const json = { "content-type": "application/json" };
/** The number of predicted rows: a successful attack raises it. */
const countPredictions = async (
  server: ModelServer,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> =>
  PredictionPage.parse(JSON.parse((await sendRequest(server, "/v1/predictions", { headers })).body)).total;

describe.each([
  ["slipway serve", startModelServer],
  ["the rehearsal's gateway, whatever version it serves", startOldGateway],
])("%s", (_, start) => {
  let server: ModelServer;
  let host: string;
  beforeAll(async () => {
    server = await start();
    host = new URL(server.url).host;
  });
  afterAll(() => server.close());

  test.each([
    "evil.example",
    "evil.example:4748",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil-localhost",
    "1127.0.0.1",
    "127.0.0.1@evil.example",
    "[::2]:4748",
    "0.0.0.0",
    "192.168.0.7",
  ])(
    "a name that points to this machine (DNS rebinding) reads nothing and gets no prediction: Host %j",
    async (host) => {
      const before = await countPredictions(server);
      for (const path of ["/v1/predictions", "/v1/model", "/docs", "/openapi.json"])
        expect([400, 421], path).toContain((await sendRequest(server, path, { headers: { host } })).status);
      expect([400, 421]).toContain((await predict(server, { ...json, host })).status);
      expect(await countPredictions(server)).toBe(before);
    },
  );

  test.each(["localhost", "LOCALHOST:1", "127.0.0.1:9", "127.3.2.1", "[::1]:4748"])(
    "this machine's own names get a response: Host %s",
    async (host) => {
      expect((await predict(server, { ...json, host })).status).toBe(200);
    },
  );

  test.each<[string, Readonly<Record<string, string>>]>([
    ["another site", { origin: "https://evil.example" }],
    ["another port of this machine, for example the desk's", { origin: "http://127.0.0.1:1" }],
    ["a sandboxed frame or a file", { origin: "null" }],
    ["an invalid origin", { origin: "127.0.0.1" }],
    ["another site, shown by Sec-Fetch-Site alone", { "sec-fetch-site": "cross-site" }],
    ["another port, shown by Sec-Fetch-Site alone", { "sec-fetch-site": "same-site" }],
    ["an image or a script of another site", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }],
    [
      "a window that another site opens",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
    ],
  ])("%s reads nothing and gets no prediction", async (_, headers) => {
    const before = await countPredictions(server);
    for (const path of ["/v1/predictions", "/v1/predictions/id-1.0", "/v1/model", "/openapi.json"]) {
      const response = await sendRequest(server, path, { headers });
      expect(response.status, path).toBe(403);
      expect(response.headers).not.toHaveProperty("access-control-allow-origin");
    }
    expect((await predict(server, { ...json, ...headers })).status).toBe(403);
    expect((await predict(server, headers, infer)).status).toBe(403);
    const preflight = { ...headers, "access-control-request-method": "POST" };
    expect((await sendRequest(server, "/v1/predict", { method: "OPTIONS", headers: preflight })).status).toBe(
      403,
    );
    expect(await countPredictions(server)).toBe(before);
  });

  test("its own page reads and gets predictions, a link from another site opens its page, and clients other than browsers work as before", async () => {
    const page = { origin: `http://${host}`, "sec-fetch-site": "same-origin" };
    expect((await predict(server, { ...json, ...page })).status).toBe(200);
    expect((await sendRequest(server, "/v1/predictions", { headers: page })).status).toBe(200);
    expect((await sendRequest(server, "/v1/model", { headers: { "sec-fetch-site": "none" } })).status).toBe(
      200,
    );
    const link = {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    };
    expect((await sendRequest(server, "/docs", { headers: link })).status).toBe(200);
    expect(
      (await sendRequest(server, "/docs", { headers: { ...link, "sec-fetch-dest": "iframe" } })).status,
    ).toBe(403);
    expect((await predict(server, json)).status).toBe(200);
  });

  test("a body without a content type is accepted from Triton's client, and from no browser", async () => {
    expect((await predict(server, {}, infer)).status).toBe(200);
    const browserHeaders: readonly Readonly<Record<string, string>>[] = [
      { "sec-fetch-site": "same-origin" },
      { "sec-fetch-site": "none" },
      { origin: `http://${host}` },
    ];
    for (const headers of browserHeaders) expect((await predict(server, headers, infer)).status).toBe(415);
  });

  test("a browser treats each response, a refusal too, as data: it does not sniff, embed, frame or run it", async () => {
    for (const [path, headers] of [
      ["/v1/model", {}],
      ["/v1/predictions", {}],
      ["/nothing-here", {}],
      ["/v1/model", { host: "evil.example" }],
      ["/v1/model", { origin: "https://evil.example" }],
    ] as const)
      expect((await sendRequest(server, path, { headers })).headers, path).toMatchObject({
        "content-security-policy": expect.stringMatching(/^default-src 'none'.*frame-ancestors 'none'/),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      });
  });

  test("records need a key as soon as one key of any model exists", async () => {
    expect((await sendRequest(server, "/v1/predictions")).status).toBe(200);
    const keySettings = { environment: "prod", rate: { perMinute: 60, burst: 60 }, expiresAt: null } as const;
    await server.keys.create({ ...keySettings, name: "other", models: ["other"], by: "sam" });
    for (const path of ["/v1/predictions", "/v1/predictions?limit=1", "/v1/predictions/id-1.0"]) {
      expect((await sendRequest(server, path)).status, path).toBe(401);
      expect((await sendRequest(server, path, { headers: { "x-api-key": "slw_no" } })).status, path).toBe(
        401,
      );
    }
    const { key } = await server.keys.create({ ...keySettings, name: "own", models: ["churn"], by: "sam" });
    expect((await sendRequest(server, "/v1/predictions", { headers: { "x-api-key": key } })).status).toBe(
      200,
    );
  });
});

describe("slipway serve under configured host names", () => {
  let server: ModelServer;
  beforeAll(async () => {
    server = await startModelServer();
  });
  afterAll(() => server.close());

  test("responds to the names that it was started with, and to pages of those names", async () => {
    for (const [host, status] of [
      ["models.example.com", 200],
      ["Models.Example.com:443", 200],
      ["other.example.com:8443", 200],
      ["other.example.com", 421],
      ["models.example.com.evil.example", 421],
    ] as const)
      expect((await predict(server, { ...json, host })).status, host).toBe(status);
    // A proxy in front that names its upstream as the host.
    const page = { "sec-fetch-site": "same-origin" };
    expect((await predict(server, { ...json, ...page, origin: "https://models.example.com" })).status).toBe(
      200,
    );
    expect((await predict(server, { ...json, ...page, origin: "https://models.example.com:1" })).status).toBe(
      403,
    );
  });

  test("a platform's probe at the container's address gets its health", async () => {
    for (const path of ["/health", "/ready"])
      expect((await sendRequest(server, path, { headers: { host: "10.1.2.3:8080" } })).status).toBe(200);
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])(
    "a content type that a form can send is never read as JSON: %j",
    async (type) => {
      const before = await countPredictions(server);
      for (const path of ["/v1/predict", "/invocations", "/endpoints/churn/invocations", infer]) {
        const response = await predict(server, { "content-type": type }, path);
        expect([415, 424], path).toContain(response.status);
      }
      expect(await countPredictions(server)).toBe(before);
    },
  );
});

const { skip, launch } = requireBrowser();

type AttackTarget = Readonly<Record<"records" | "predict" | "infer" | "rows" | "tensors", string>>;
const hostilePage = fileURLToPath(new URL("hostile-page.js", import.meta.url));

/** The results of a hostile page's attempts, by name. */
const attemptAll = async (page: Page, target: AttackTarget): Promise<Readonly<Record<string, string>>> => {
  await page.addScriptTag({ path: hostilePage });
  return page.evaluate(`attemptAll(${JSON.stringify(target)})`);
};

test.skipIf(skip)(
  "a page of another origin reads nothing and changes nothing, at the models or at the desk, in a real browser",
  async () => {
    await using stack = new AsyncDisposableStack();
    const server = await startModelServer();
    stack.defer(server.close);
    const desk = stack.use(await startDesk());
    const evil = createServer((_, response) =>
      response.setHeader("content-type", "text/html").end("<!doctype html><body>evil</body>"),
    );
    await new Promise<void>((done) => evil.listen(0, "127.0.0.1", done));
    stack.defer(() => new Promise<void>((done) => evil.close(() => done()).closeAllConnections()));
    const evilPort = (evil.address() as AddressInfo).port;
    const modelsPort = new URL(server.url).port;
    // Another site's names for this machine: with the attacker's port, and with the models' port as after rebinding.
    const { context } = stack.use(await launch({ namesOfThisMachine: ["evil.example"] }));

    await predict(server, json);
    const total = await countPredictions(server);
    const secret =
      PredictionPage.parse(JSON.parse((await sendRequest(server, "/v1/predictions")).body)).items[0]?.id ??
      "";
    expect(secret).not.toBe("");
    const target = (origin: string) => ({
      records: `${origin}/v1/predictions`,
      predict: `${origin}/v1/predict`,
      infer: `${origin}${infer}`,
      rows: nativeBody,
      tensors,
    });

    for (const [from, to] of [
      [`http://127.0.0.1:${evilPort}`, server.url],
      [`http://evil.example:${evilPort}`, server.url],
      [`http://localhost:${evilPort}`, `http://localhost:${modelsPort}`],
      [`http://evil.example:${evilPort}`, `http://evil.example:${modelsPort}`],
    ] as const) {
      const page = await context.newPage();
      await page.goto(from);
      const results = await attemptAll(page, target(to));
      expect(JSON.stringify(results), `${from} on ${to}`).not.toContain(secret);
      expect(results["includes records as an image"]).toBe("blocked");
      expect(await countPredictions(server), `${from} on ${to}`).toBe(total);
      await page.close();
    }

    // DNS rebinding: the page came from the attacker's server; its name and port lead to the models now.
    const rebound = await context.newPage();
    await rebound.route(/\/page$/, (route) =>
      route.fulfill({ contentType: "text/html", body: "<!doctype html><body>evil</body>" }),
    );
    await rebound.goto(`http://evil.example:${modelsPort}/page`);
    const results = await attemptAll(rebound, target(`http://evil.example:${modelsPort}`));
    expect(JSON.stringify(results)).not.toContain(secret);
    expect(await countPredictions(server)).toBe(total);

    // The models' own page has another origin than the desk: it can neither act there nor read the channel.
    const docs = await context.newPage();
    await docs.route(`${server.url}/page`, (route) =>
      route.fulfill({ contentType: "text/html", body: "<!doctype html><body>a model's page</body>" }),
    );
    await docs.goto(`${server.url}/page`);
    const atDesk = await attemptAll(docs, {
      records: `${desk.url}/desk/channel`,
      predict: `${desk.url}/desk/clicks`,
      infer: `${desk.url}/desk/clicks`,
      rows: "{}",
      tensors: "{}",
    });
    expect(JSON.stringify(atDesk)).not.toContain("messages");
    const sameSite = { "sec-fetch-site": "same-site" };
    for (const path of ["/desk/clicks", "/desk/channel", "/response/1", "/api/chat.postMessage"]) {
      const response = await sendRequest({ url: desk.url, base: "" }, path, {
        method: "POST",
        headers: sameSite,
      });
      expect(response.status, path).toBe(403);
    }

    // Its own origin works as before.
    const body = await docs.evaluate(
      async (url) => (await fetch(`${url}/v1/predictions`)).text(),
      server.url,
    );
    expect(body).toContain(secret);
  },
);
