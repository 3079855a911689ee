import { LogLevel, WebClient } from "@slack/web-api";
import { slackClientOptions } from "#slack/slack-channel.ts";

/** Slack's own client, for the desk of a rehearsal that answers at `url`. */
export const createDeskClient = (url: string, botToken: string): WebClient =>
  new WebClient(botToken, { ...slackClientOptions, slackApiUrl: `${url}/api/`, logLevel: LogLevel.ERROR });
