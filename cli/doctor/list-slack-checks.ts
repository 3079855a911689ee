import type { Secrets } from "#platform/secrets/secrets.ts";
import { checkApprover } from "./check-approver.ts";
import { checkSigningSecret } from "./check-signing-secret.ts";
import { checkSlack } from "./check-slack.ts";
import { checkSlackApp } from "./check-slack-app.ts";
import { checkSlackCallback } from "./check-slack-callback.ts";
import { checkSlackChannel } from "./check-slack-channel.ts";
import { checkSlackScopes } from "./check-slack-scopes.ts";
import { checkSlackSecret } from "./check-slack-secret.ts";
import type { DoctorCheck, DoctorFinding } from "./finding.ts";
import { postSlackTest } from "./post-slack-test.ts";
import { reportCheckError } from "./report-check-error.ts";

/** How a world is connected to Slack. */
export type SlackConnection = {
  readonly secrets: Secrets;
  /** Another address of the Web API, with a final slash. */
  readonly apiUrl: string | undefined;
  readonly teamId: string;
  readonly appId: string;
  readonly channel: string;
  /** Where Slack sends clicks. */
  readonly callbackUrl: string | undefined;
  /** Whether this is the rehearsal's stand-in for Slack. */
  readonly isDesk: boolean;
};

/** What the checks call is Slack or the function that answers it. */
const report = (what: string, check: DoctorCheck): DoctorCheck =>
  reportCheckError(
    what,
    check,
    undefined,
    "Check that this machine reaches Slack and the address of the callbacks, and run this again.",
  );

type SlackCheckNeeds = SlackConnection & {
  /** Slack ids of the platform's policy. */
  readonly approvers: readonly string[];
  readonly fetch: typeof fetch;
  readonly clock: () => number;
  /** Posts a test message into the channel. */
  readonly post: boolean;
};

/** The checks of `slipway doctor slack`, in the order in which a person would fix the findings. */
export const listSlackChecks = (needs: SlackCheckNeeds): readonly DoctorCheck[] => {
  const { secrets, fetch, apiUrl, teamId, appId, channel, callbackUrl, approvers, post, isDesk } = needs;
  const slack = { secrets, fetch, apiUrl };
  const app = {
    SLACK_TEAM_ID: teamId,
    ...(apiUrl === undefined ? {} : { SLACK_API_URL: apiUrl }),
    ...(callbackUrl === undefined ? {} : { SLACK_CALLBACK_URL: callbackUrl }),
  };
  return [
    report("the bot's token", async () => {
      const secret = await checkSlackSecret(secrets, "SLACK_BOT_TOKEN");
      return secret.status === "ok" ? checkSlack(slack, app) : secret;
    }),
    report("the app", () => checkSlackApp(slack, appId)),
    report("Slack's scopes", () => checkSlackScopes(slack)),
    report("Slack's channel", () => checkSlackChannel(slack, channel)),
    post
      ? report("Slack's channel", () => postSlackTest(slack, channel))
      : async () => ({
          status: "pending",
          sentence: "Whether the channel takes messages (it may be archived): not checked; --post posts one.",
        }),
    ...approvers.map((user) =>
      report(`the approver ${user}`, () =>
        checkApprover(slack, { user, files: ["the platform's policy"], isOnDesk: isDesk }),
      ),
    ),
    report("the signing secret", () => checkSlackSecret(secrets, "SLACK_SIGNING_SECRET")),
    report("Slack's callbacks", () => checkSlackCallback({ fetch }, app)),
    report("the signing secret", () => checkSigningSecret(needs, callbackUrl)),
    async (): Promise<DoctorFinding | undefined> =>
      callbackUrl === undefined
        ? undefined
        : {
            status: "pending",
            sentence: `Whether Slack signs with this secret and sends clicks to this address: not checked, because only a click proves it. The app's page Interactivity & Shortcuts needs the request URL ${callbackUrl}.`,
          },
  ];
};
