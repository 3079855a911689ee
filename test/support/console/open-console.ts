import { readAssets } from "#console/read-assets.ts";
import { parseBrowserRequest, toHttpApiResponse } from "#lambdas/show-console/browser-request.ts";
import { checkMembership } from "#lambdas/show-console/check-membership.ts";
import { createIdentityProvider, SignInAttempt } from "#lambdas/show-console/identity-provider.ts";
import { createSealedCookie } from "#lambdas/show-console/sealed-cookie.ts";
import { createSessions, Session } from "#lambdas/show-console/sessions.ts";
import { type ShowConsoleNeeds, showConsole } from "#lambdas/show-console/show-console.ts";
import { createSlackDirectory } from "#slack/slack-directory.ts";
import { requireBrowser } from "#test/support/browser.ts";
import { startStubServer } from "#test/support/stub-server.ts";
import { startEventServer } from "./start-event-server.ts";
import { startIdentityProvider } from "./start-identity-provider.ts";

const clientId = "25259531569.11152291";
const clientSecret = "a client secret of the test";

/** People who can sign in: a member, one outside the group, a guest in the group, and one of another workspace. */
export const consolePeople = {
  ada: { user: "U024BE7LH", team: "T1" },
  eve: { user: "U0EVE", team: "T1" },
  guest: { user: "U0GUEST", team: "T1" },
  stranger: { user: "U0STRANGE", team: "T2" },
} as const;

/** The console's function behind an HTTP server, an identity provider, Slack's Web API, and a browser. */
export const openConsole = async (show: ShowConsoleNeeds["show"]) => {
  const stack = new AsyncDisposableStack();
  const time = { now: Date.now() };
  const warnings: string[] = [];
  const slackState = {
    down: false,
    group: [consolePeople.ada.user, consolePeople.guest.user] as readonly string[],
    calls: 0,
  };
  const slack = await startStubServer((request, body, response) => {
    slackState.calls += 1;
    if (slackState.down) response.statusCode = 503;
    if (request.url === "/usergroups.users.list") return { ok: true, users: slackState.group };
    const id = new URLSearchParams(body.toString()).get("user");
    const isGuest = id === consolePeople.guest.user;
    return { ok: true, user: { id, team_id: "T1", name: "someone", is_restricted: isGuest } };
  });
  stack.defer(slack.stop);
  let handle: ReturnType<typeof showConsole> | undefined;
  const server = stack.use(
    await startEventServer(async (event) => {
      const request = parseBrowserRequest(event);
      if (!request || !handle) throw new Error("no request of a browser");
      return toHttpApiResponse(await handle(request));
    }),
  );
  const redirectUrl = `${server.url}/sign-in/callback`;
  const people = Object.values(consolePeople);
  const provider = stack.use(await startIdentityProvider({ clientId, clientSecret, redirectUrl, people }));
  /** Parameters that change on their way to the provider, once, as if someone between the two did it. */
  const changed: Record<string, string> = {};
  const keys = { session: ["a session key of the test"] as readonly string[], client: clientSecret };
  const clock = () => time.now;
  const secrets = async () => keys.session;
  const identityProvider = createIdentityProvider({
    issuer: provider.url,
    clientId,
    clientSecret: async () => keys.client,
    redirectUrl,
  });
  handle = showConsole({
    show,
    assets: readAssets(),
    sessions: createSessions({
      cookie: createSealedCookie({ purpose: "session", schema: Session, secrets }),
      checkMembership: checkMembership({
        slack: createSlackDirectory({ secrets: { read: async () => "xoxb-test" }, apiUrl: `${slack.url}/` }),
        teamId: "T1",
        userGroup: "S0614TZR7",
      }),
      clock,
    }),
    attempts: createSealedCookie({ purpose: "sign-in", schema: SignInAttempt, secrets }),
    identityProvider: {
      ...identityProvider,
      start: async (returnPath) => {
        const { url, attempt } = await identityProvider.start(returnPath);
        const address = new URL(url);
        for (const [name, value] of Object.entries(changed)) {
          address.searchParams.set(name, value);
          delete changed[name];
        }
        return { url: address.href, attempt };
      },
    },
    url: server.url,
    teamId: "T1",
    clock,
    warn: (message, error) => void warnings.push(`${message}: ${Object(error).message}`),
  });
  const { context } = stack.use(await requireBrowser().launch());
  const page = await context.newPage();
  const url = server.url;

  /** Fills in the provider's two pages. */
  const signInAtProvider = async (user: string): Promise<void> => {
    await page.getByPlaceholder("Enter any login").fill(user);
    await page.getByPlaceholder("and password").fill("any");
    await page.getByRole("button", { name: "Sign-in" }).click();
    await page.getByRole("button", { name: "Continue" }).click();
  };
  return {
    page,
    context,
    url,
    provider: provider.url,
    time,
    keys,
    changed,
    slack: slackState,
    warnings,
    /** The status of the last answer to Slack's answer. */
    readCallbackStatus: () => server.answered.findLast(({ path }) => path === "/sign-in/callback")?.status,
    signInAtProvider,
    readCookies: async () => (await context.cookies(url)).filter(({ name }) => name.startsWith("__Host-")),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};
