import { LogLevel, WebClient } from "@slack/web-api";
import { slackClientOptions } from "#slack/slack-channel.ts";

/** Slack's client, for the desk of the rehearsal at `url`. */
export const createDeskClient = (url: string, botToken: string): WebClient =>
  new WebClient(botToken, { ...slackClientOptions, slackApiUrl: `${url}/api/`, logLevel: LogLevel.ERROR });
