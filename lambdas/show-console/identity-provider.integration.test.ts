import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startStubServer } from "#test/support/stub-server.ts";
import { createIdentityProvider } from "./identity-provider.ts";

const clientId = "25259531569.11152291";
const redirectUrl = "https://console.example/sign-in/callback";
const keys = await generateKeyPair("RS256");
const otherKeys = await generateKeyPair("RS256");

/** The fields of the id token that the next answer has, beside the nonce of the sign-in. */
let claims: Record<string, unknown>;
let signWith: typeof keys.privateKey;
/** Instead of tokens. */
let refusal: { readonly status?: number; readonly body: object } | undefined;
let nonce: string;
let tokenRequests: URLSearchParams[];
let server: Awaited<ReturnType<typeof startStubServer>>;

beforeEach(async () => {
  refusal = undefined;
  signWith = keys.privateKey;
  tokenRequests = [];
  server = await startStubServer(async (request, body, response) => {
    switch (request.url) {
      case "/.well-known/openid-configuration":
        // As Slack's: https://slack.com/.well-known/openid-configuration
        return {
          issuer: server.url,
          authorization_endpoint: `${server.url}/openid/connect/authorize`,
          token_endpoint: `${server.url}/api/openid.connect.token`,
          jwks_uri: `${server.url}/openid/connect/keys`,
          response_types_supported: ["code"],
          grant_types_supported: ["authorization_code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["RS256"],
          token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
        };
      case "/openid/connect/keys":
        return { keys: [{ ...(await exportJWK(keys.publicKey)), kid: "one", use: "sig", alg: "RS256" }] };
      default: {
        tokenRequests.push(new URLSearchParams(body.toString()));
        if (refusal) {
          response.statusCode = refusal.status ?? 200;
          return refusal.body;
        }
        const id_token = await new SignJWT({ nonce, ...claims })
          .setProtectedHeader({ alg: "RS256", kid: "one" })
          .sign(signWith);
        return { ok: true, access_token: "xoxp-1234", token_type: "Bearer", id_token };
      }
    }
  });
  const now = Math.floor(Date.now() / 1_000);
  claims = {
    iss: server.url,
    aud: clientId,
    sub: "U024BE7LH",
    iat: now,
    exp: now + 300,
    "https://slack.com/user_id": "U024BE7LH",
    "https://slack.com/team_id": "T1",
  };
});
afterEach(() => server.stop());

const create = () =>
  createIdentityProvider({
    issuer: server.url,
    clientId,
    clientSecret: async () => "the secret",
    redirectUrl,
  });
const signIn = async () => {
  const provider = create();
  const { attempt } = await provider.start("/models/churn");
  nonce = attempt.nonce;
  return provider.finish(`code=4724469134&state=${attempt.state}`, attempt);
};

test("the browser goes to Slack with PKCE, state and nonce, and asks for no more than who signs in", async () => {
  const { url, attempt } = await create().start("/models/churn");
  const { origin, pathname, searchParams } = new URL(url);
  expect(`${origin}${pathname}`).toBe(`${server.url}/openid/connect/authorize`);
  expect(Object.fromEntries(searchParams)).toEqual({
    client_id: clientId,
    redirect_uri: redirectUrl,
    response_type: "code",
    scope: "openid",
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: "S256",
  });
  expect(url).not.toContain(attempt.codeVerifier);
  const other = (await create().start("/")).attempt;
  for (const key of ["state", "nonce", "codeVerifier"] as const) {
    expect(attempt[key].length).toBeGreaterThanOrEqual(43);
    expect(other[key]).not.toBe(attempt[key]);
  }
});

test("a valid id token names user and workspace; Slack gets the verifier and the secret in the body", async () => {
  expect(await signIn()).toEqual({ user: "U024BE7LH", team: "T1" });
  expect(Object.fromEntries(tokenRequests[0] ?? [])).toMatchObject({
    code: "4724469134",
    client_id: clientId,
    client_secret: "the secret",
    redirect_uri: redirectUrl,
    code_verifier: expect.stringMatching(/^[\w-]{43,}$/),
  });
});

test.each([
  ["of another issuer", { iss: "https://evil.example" }, "claim iss"],
  ["for another app", { aud: "another" }, "claim aud"],
  ["that has ended", { iat: 1_000, exp: 2_000 }, "claim exp"],
  ["of another sign-in", { nonce: "another" }, "claim nonce"],
  ["without a nonce", { nonce: undefined }, "OAUTH_INVALID_RESPONSE"],
  ["without a workspace", { "https://slack.com/team_id": undefined }, "no user and workspace"],
  ["with a user of another form", { "https://slack.com/user_id": "../U1" }, "no user and workspace"],
])("an id token %s proves nothing", async (_, changes, message) => {
  claims = { ...claims, ...changes };
  await expect(signIn()).rejects.toMatchObject({
    name: "SignInUnverified",
    retryable: false,
    message: expect.stringContaining(message),
  });
});

test("an id token that another key signed proves nothing", async () => {
  signWith = otherKeys.privateKey;
  await expect(signIn()).rejects.toMatchObject({ name: "SignInUnverified", retryable: false });
});

test("an answer without an id token proves nothing", async () => {
  refusal = { body: { ok: true, access_token: "xoxp-1234", token_type: "Bearer" } };
  await expect(signIn()).rejects.toMatchObject({ name: "SignInUnverified", retryable: false });
});

test("another state sends nothing to Slack", async () => {
  const provider = create();
  const { attempt } = await provider.start("/");
  await expect(provider.finish("code=1&state=another", attempt)).rejects.toMatchObject({
    name: "SignInUnverified",
  });
  expect(tokenRequests).toEqual([]);
});

test.each([
  ["bad_client_secret", "Set SLACK_CLIENT_SECRET"],
  ["invalid_client_id", "Set console.clientId"],
  ["bad_redirect_uri", "redirect URLs"],
  ["invalid_code", "(OAUTH_INVALID_RESPONSE, invalid_code)"],
])("Slack's refusal %s, which comes with status 200, tells operators what to do", async (error, message) => {
  refusal = { body: { ok: false, error } };
  await expect(signIn()).rejects.toMatchObject({
    retryable: false,
    message: expect.stringContaining(message),
  });
});

test("an error of Slack's servers may pass; the message quotes nothing of the answer", async () => {
  refusal = { status: 503, body: { secret: "xoxp-1234" } };
  const error = await signIn().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: "SignInUnverified", retryable: true });
  expect(String(error)).not.toContain("xoxp");
});

test("after Slack did not answer, the next sign-in asks again", async () => {
  const provider = create();
  const url = server.url;
  await server.stop();
  await expect(provider.start("/")).rejects.toMatchObject({ name: "SignInUnverified", retryable: true });
  server = await startStubServer(() => ({
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/keys`,
  }));
  const again = createIdentityProvider({
    issuer: server.url,
    clientId,
    clientSecret: async () => "the secret",
    redirectUrl,
  });
  // Metadata that names another issuer counts for nothing.
  await expect(again.start("/")).rejects.toMatchObject({ name: "SignInUnverified", retryable: false });
});
