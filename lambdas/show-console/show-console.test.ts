import { beforeEach, describe, expect, test } from "vitest";
import type { BrowserRequest } from "./browser-request.ts";
import type { Membership } from "./check-membership.ts";
import { type IdentityProvider, SignInAttempt } from "./identity-provider.ts";
import { createSealedCookie } from "./sealed-cookie.ts";
import { createSessions, Session } from "./sessions.ts";
import { showConsole } from "./show-console.ts";
import { SignInUnverified } from "./sign-in-unverified.ts";

const url = "https://console.example";
const assets = { revision: "1", files: new Map([["console.css", { type: "text/css", content: "" }]]) };
const hour = 3_600_000;
const attempt = { state: "the state", nonce: "n", codeVerifier: "v" };

let now: number;
let membership: Membership;
let checks: string[];
let shown: unknown[];
let warnings: string[];
let secrets: readonly string[];
let failure: Error | undefined;
let finish: IdentityProvider["finish"];
let start: IdentityProvider["start"];
beforeEach(() => {
  now = Date.UTC(2026, 10, 29, 12);
  membership = { status: "member", name: "Ada Lovelace" };
  checks = [];
  shown = [];
  warnings = [];
  secrets = ["one"];
  failure = undefined;
  start = async (returnPath) => ({ url: "https://slack.com/authorize", attempt: { ...attempt, returnPath } });
  finish = async () => ({ user: "U024BE7LH", team: "T1" });
});

const create = () => {
  const seal = { secrets: async () => secrets.map((secret) => secret.padEnd(32)) };
  return showConsole({
    show: async (request) => {
      if (failure) throw failure;
      shown.push(request);
      return {
        status: 200,
        headers: { "content-type": "text/html", "cache-control": "public" },
        body: "page",
      };
    },
    assets,
    sessions: createSessions({
      cookie: createSealedCookie({ ...seal, purpose: "session", schema: Session }),
      checkMembership: async (user) => {
        checks.push(user);
        return membership;
      },
      clock: () => now,
    }),
    attempts: createSealedCookie({ ...seal, purpose: "sign-in", schema: SignInAttempt }),
    identityProvider: { start: (path) => start(path), finish: (query, given) => finish(query, given) },
    url,
    teamId: "T1",
    clock: () => now,
    warn: (message) => void warnings.push(message),
  });
};
const ask = (
  path: string,
  cookies: Readonly<Record<string, string>> = {},
  more: Partial<Omit<BrowserRequest, "headers">> & { headers?: Readonly<Record<string, string>> } = {},
) => {
  const [pathname = "", query = ""] = path.split("?");
  const { headers = {}, ...rest } = more;
  return create()({
    method: "GET",
    path: pathname,
    query,
    cookies: new Map(Object.entries(cookies)),
    headers: new Map(Object.entries(headers)),
    ...rest,
  });
};
/** The cookies that a response sets, by their names; a removed one is empty. */
const readCookies = ({ cookies = [] }: { readonly cookies?: readonly string[] | undefined }) =>
  Object.fromEntries(cookies.map((cookie) => cookie.split(";")[0]?.split("=") ?? []));
const sessionName = "__Host-slipway-session";
const attemptName = "__Host-slipway-sign-in";

/** The cookie of a sign-in that has begun for a page. */
const begin = async (page = "/models/churn") =>
  readCookies(await ask(`/sign-in?return=${encodeURIComponent(page)}`));
const signIn = async (page?: string) => {
  const response = await ask("/sign-in/callback?code=1&state=the+state", await begin(page));
  return { response, cookies: readCookies(response) };
};

describe("signing in", () => {
  test("a page's address leads to signing in and back to it", async () => {
    const first = await ask("/models/churn?from=10");
    expect(first).toMatchObject({ status: 303, body: "" });
    expect(first.headers.location).toBe(`${url}/sign-in?return=%2Fmodels%2Fchurn%3Ffrom%3D10`);
    const { response } = await signIn("/models/churn?from=10");
    expect(response).toMatchObject({ status: 303 });
    expect(response.headers.location).toBe(`${url}/models/churn?from=10`);
    expect(shown).toEqual([]);
  });

  test.each(["https://evil.example", "//evil.example", "/\\evil.example", "/..//evil.example"])(
    "%s is no page to return to",
    async (page) => {
      expect((await signIn(page)).response.headers.location).toBe(`${url}/`);
    },
  );

  test("cookies are for this host alone, over TLS, and out of reach of scripts", async () => {
    const { response } = await signIn();
    for (const cookie of [...((await ask("/sign-in")).cookies ?? []), ...(response.cookies ?? [])])
      expect(cookie).toMatch(
        /^__Host-slipway-[\w-]+=[\w.-]*; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=\d+$/,
      );
    expect(response.cookies?.at(-1)).toMatch(/Max-Age=28800$/);
  });

  test.each([
    ["without its cookie", "code=1&state=the+state", {}],
    ["with another's cookie", "code=1&state=the+state", { [attemptName]: "a.b.c.d.e" }],
  ])("an answer %s opens nothing", async (_, query, cookies) => {
    const response = await ask(`/sign-in/callback?${query}`, cookies);
    expect(response.status).toBe(400);
    expect(readCookies(response)[sessionName]).toBeUndefined();
  });

  test.each(["code=1&state=another", "code=1", "code=1&state=", ""])(
    "an answer with another state opens nothing, and Slack is not asked: %s",
    async (query) => {
      finish = () => Promise.reject(new Error("Slack was asked"));
      const response = await ask(`/sign-in/callback?${query}`, await begin());
      expect(response.status).toBe(400);
      expect(response.body).toContain("belongs to another sign-in");
      expect(warnings).toEqual([]);
    },
  );

  test("an answer after ten minutes opens nothing", async () => {
    const cookies = await begin();
    now += 600_000;
    expect((await ask("/sign-in/callback?code=1&state=the+state", cookies)).status).toBe(400);
  });

  test("a session's cookie does not end a sign-in, and a sign-in's cookie is no session", async () => {
    const session = (await signIn()).cookies[sessionName] ?? "";
    const response = await ask("/sign-in/callback?code=1&state=the+state", { [attemptName]: session });
    expect(response.status).toBe(400);
    const begun = (await begin())[attemptName] ?? "";
    expect((await ask("/", { [sessionName]: begun })).status).toBe(303);
  });

  test("cancelling at Slack leads to a page, without a call to Slack", async () => {
    finish = () => Promise.reject(new Error("Slack was asked"));
    const response = await ask(
      "/sign-in/callback?error=access_denied&error_description=access_denied&state=the+state",
      await begin(),
    );
    expect(response.status).toBe(400);
    expect(response.body).toContain("you cancelled");
    expect(response.body).not.toContain("access_denied");
  });

  test("what cannot be verified opens nothing, and operators find why", async () => {
    finish = () => Promise.reject(new SignInUnverified("claim nonce", false));
    expect((await signIn()).response.status).toBe(400);
    expect(warnings).toEqual(["could not verify a sign-in"]);
  });

  test("Slack without an answer is said to be it", async () => {
    finish = () => Promise.reject(new SignInUnverified("no answer", true));
    const { response } = await signIn();
    expect(response).toMatchObject({ status: 503, headers: { "retry-after": "60" } });
    start = () => Promise.reject(new Error("no answer"));
    expect(await ask("/sign-in")).toMatchObject({ status: 503, headers: { "retry-after": "60" } });
  });

  test("a member of another workspace gets no session, and nobody asks about their groups", async () => {
    finish = async () => ({ user: "U1", team: "T2" });
    const { response, cookies } = await signIn();
    expect(response.status).toBe(403);
    expect(cookies[sessionName]).toBeUndefined();
    expect(checks).toEqual([]);
  });

  test.each([
    [{ status: "refused", reason: "not-in-group" }, 403, "not a member of the user group"],
    [{ status: "refused", reason: "guest" }, 403, "guests may not"],
    [{ status: "refused", reason: "deactivated" }, 403, "not an active person"],
    [{ status: "misconfigured", error: "no_such_subteam" }, 503, "console.userGroup"],
    [{ status: "misconfigured", error: "missing_scope" }, 503, "usergroups:read"],
    [{ status: "misconfigured", error: "invalid_auth" }, 503, "SLACK_BOT_TOKEN"],
    [{ status: "unknown", cause: new Error("down") }, 503, "try again in a minute"],
  ] as const)("%j gets no session and a page that says what to do", async (state, status, text) => {
    membership = state;
    const { response, cookies } = await signIn();
    expect(response.status).toBe(status);
    expect(response.body).toContain(text);
    expect(cookies[sessionName]).toBeUndefined();
  });
});

describe("a session", () => {
  const read = (cookies: Readonly<Record<string, string>>) => ask("/models/churn?a=b", cookies);

  test("shows pages, with the query and the entity tag", async () => {
    const { cookies } = await signIn();
    const headers = { "if-none-match": '"one"' };
    expect(await ask("/models/churn?a=b", cookies, { headers })).toMatchObject({ status: 200, body: "page" });
    expect(shown).toEqual([{ path: "/models/churn", query: new URLSearchParams("a=b"), entityTag: '"one"' }]);
  });

  test("is checked again after an hour and not before, and then lasts on", async () => {
    const { cookies } = await signIn();
    expect(checks).toHaveLength(1);
    now += hour - 1;
    expect(readCookies(await read(cookies))).toEqual({});
    expect(checks).toHaveLength(1);
    now += 1;
    const checked = readCookies(await read(cookies));
    expect(checks).toEqual(["U024BE7LH", "U024BE7LH"]);
    now += hour - 1;
    expect(await read(checked)).toMatchObject({ status: 200, cookies: [] });
    expect(checks).toHaveLength(2);
    // The old cookie is checked each time that it comes again.
    await read(cookies);
    expect(checks).toHaveLength(3);
  });

  test("ends after 8 hours, however often it was checked", async () => {
    let { cookies } = await signIn();
    for (let passed = 1; passed < 8; passed += 1) {
      now += hour;
      const response = await read(cookies);
      expect(response.status).toBe(200);
      expect(response.cookies?.[0]).toContain(`Max-Age=${(8 - passed) * 3_600}`);
      cookies = readCookies(response);
    }
    now += hour - 1_000;
    expect((await read(cookies)).status).toBe(200);
    now += 1_000;
    expect((await read(cookies)).status).toBe(303);
  });

  test("ends when its user may not read any more", async () => {
    const { cookies } = await signIn();
    now += hour;
    membership = { status: "refused", reason: "not-in-group" };
    const response = await read(cookies);
    expect(response.status).toBe(403);
    expect(readCookies(response)).toEqual({ [sessionName]: "" });
    expect(shown).toEqual([]);
  });

  test.each([
    { status: "unknown", cause: new Error("down") },
    { status: "misconfigured", error: "missing_scope" },
  ] as const)(
    "shows nothing while Slack does not say whether it goes on, and then goes on: %j",
    async (state) => {
      const { cookies } = await signIn();
      now += hour;
      membership = state;
      const response = await read(cookies);
      expect(response).toMatchObject({ status: 503, cookies: [] });
      expect(shown).toEqual([]);
      membership = { status: "member", name: "Ada Lovelace" };
      expect((await read(cookies)).status).toBe(200);
    },
  );

  test("goes on while Slack is down, until its hour is over", async () => {
    const { cookies } = await signIn();
    membership = { status: "unknown", cause: new Error("down") };
    now += hour - 1;
    expect((await read(cookies)).status).toBe(200);
  });

  test("of a clock that was set back is none", async () => {
    const { cookies } = await signIn();
    now -= hour;
    expect((await read(cookies)).status).toBe(303);
  });

  test("outlives a rotation of the key, and ends with a new key alone", async () => {
    const { cookies } = await signIn();
    secrets = ["two", "one"];
    expect((await read(cookies)).status).toBe(200);
    secrets = ["two"];
    expect((await read(cookies)).status).toBe(303);
  });

  test("that is over sends a script no redirect to Slack", async () => {
    const headers = { "sec-fetch-mode": "cors" };
    expect((await ask("/", {}, { headers })).status).toBe(401);
    expect((await ask("/", {}, { headers: { "sec-fetch-mode": "navigate" } })).status).toBe(303);
  });
});

describe("signing out", () => {
  test("removes the cookie and leads to a page that does not sign in by itself", async () => {
    const { cookies } = await signIn();
    const response = await ask("/sign-out", cookies, { method: "POST", headers: { origin: url } });
    expect(response).toMatchObject({ status: 303, headers: { location: `${url}/signed-out` } });
    expect(readCookies(response)).toEqual({ [sessionName]: "" });
    expect(await ask("/signed-out")).toMatchObject({ status: 200, cookies: [] });
  });

  test.each<Readonly<Record<string, string>>>([
    {},
    { origin: "null" },
    { origin: "https://evil.example" },
    { origin: `${url}.evil.example` },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ])("by another site's form does nothing: %j", async (headers) => {
    const response = await ask("/sign-out", {}, { method: "POST", headers });
    expect(response).toMatchObject({ status: 403, cookies: [] });
  });

  test("by a link does nothing", async () => {
    expect(await ask("/sign-out", (await signIn()).cookies)).toMatchObject({ status: 303, cookies: [] });
  });
});

test("every answer forbids caching, framing, foreign scripts and plain HTTP", async () => {
  const { cookies } = await signIn();
  const answers = [
    await ask("/", cookies),
    await ask("/"),
    await ask("/sign-in"),
    await ask("/sign-in/callback"),
    await ask("/sign-out", {}, { method: "POST" }),
    await ask("/signed-out"),
    await ask("/", cookies, { method: "DELETE" }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 303, 303, 400, 403, 200, 405]);
  for (const { headers } of answers) {
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["strict-transport-security"]).toMatch(/^max-age=\d{8}/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    const policy = headers["content-security-policy"];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
  }
});

test("a page that cannot be read says so, and operators find why", async () => {
  const { cookies } = await signIn();
  failure = new Error("<b>the table is throttled</b>");
  const response = await ask("/models/churn", cookies);
  expect(response.status).toBe(500);
  expect(response.body).not.toContain("throttled");
  expect(response.headers["strict-transport-security"]).toBeDefined();
  expect(warnings).toEqual(["could not show a page"]);
});

test("the stylesheet is public, and nothing else is", async () => {
  expect(await ask("/console.css?v=1")).toMatchObject({
    status: 200,
    headers: { "cache-control": "public", "x-content-type-options": "nosniff" },
  });
  for (const path of [
    "/console.css/",
    "/console.css/../models/churn",
    "/CONSOLE.CSS",
    "/models/churn/console.css",
  ])
    expect((await ask(path)).status).toBe(303);
});

test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s changes nothing", async (method) => {
  expect((await ask("/models/churn", (await signIn()).cookies, { method })).status).toBe(405);
  expect(shown).toEqual([]);
});

test("HEAD has the headers of GET and no body", async () => {
  expect(await ask("/", (await signIn()).cookies, { method: "HEAD" })).toMatchObject({
    status: 200,
    body: "",
  });
});
