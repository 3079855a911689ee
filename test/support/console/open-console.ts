import { readAssets } from "#console/read-assets.ts";
import { createBrowserHandler } from "#lambdas/show-console/browser-handler.ts";
import { openSignIn } from "#lambdas/show-console/open-sign-in.ts";
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
  let handle: ReturnType<typeof createBrowserHandler> | undefined;
  const server = stack.use(
    await startEventServer(async (event) => {
      if (!handle) throw new Error("the browser was faster than the console");
      return handle(event);
    }),
  );
  const redirectUrl = `${server.url}/sign-in/callback`;
  const people = Object.values(consolePeople);
  const provider = stack.use(await startIdentityProvider({ clientId, clientSecret, redirectUrl, people }));
  /** Parameters that change on their way to the provider, once, as if someone between the two did it. */
  const changed: Record<string, string> = {};
  const keys = {
    session: ["a session key of the test, which is long enough"] as readonly string[],
    client: clientSecret,
  };
  const { identityProvider, ...signIn } = openSignIn({
    slack: createSlackDirectory({ secrets: { read: async () => "xoxb-test" }, apiUrl: `${slack.url}/` }),
    sessionKeys: async () => keys.session,
    clientSecret: async () => keys.client,
    clock: () => time.now,
    env: {
      CONSOLE_URL: server.url,
      CONSOLE_USER_GROUP: "S0614TZR7",
      CONSOLE_CLIENT_ID: clientId,
      CONSOLE_ISSUER: provider.url,
      SLACK_TEAM_ID: "T1",
    },
  });
  const respond = showConsole({
    ...signIn,
    show,
    assets: readAssets(),
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
    warn: (message, error) => void warnings.push(`${message}: ${Object(error).message}`),
  });
  handle = createBrowserHandler(respond);
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
