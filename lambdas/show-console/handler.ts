import { readAssets } from "#console/read-assets.ts";
import { readRotatedSecret } from "#platform/secrets/read-rotated-secret.ts";
import { createSlackDirectory } from "#slack/slack-directory.ts";
import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { createConsolePages } from "#worlds/aws/console-pages.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { warn } from "#worlds/aws/log-warning.ts";
import { createFunctionHandler } from "#worlds/aws/step-handler.ts";
import { createBrowserHandler } from "./browser-handler.ts";
import { Env } from "./env.ts";
import { openSignIn } from "./open-sign-in.ts";
import { showConsole } from "./show-console.ts";
import { signInPaths } from "./sign-in-routes.ts";

const world = openCapabilities(readEnv(Env));
const { env, secrets } = world;
const slack = createSlackDirectory({ secrets, apiUrl: env.SLACK_API_URL });
const sessionKeys = readRotatedSecret(secrets, "CONSOLE_SESSION_KEY");
const clientSecret = () => secrets.read("SLACK_CLIENT_SECRET");
const signIn = openSignIn({ ...world, slack, sessionKeys, clientSecret });
const show = createConsolePages({ ...world, caller: "show-console", signOut: signInPaths.signOut });
const respond = showConsole({ ...signIn, show, assets: readAssets(), warn });

export const handler = createFunctionHandler("show-console", createBrowserHandler(respond));
