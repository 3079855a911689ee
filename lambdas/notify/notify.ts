import * as z from "zod";
import { describeEvent } from "#domain/events/describe-event.ts";
import { detailTypes, SlipwayEvent } from "#platform/events/events.ts";
import { clipText, escapeLine, escapeText } from "#slack/message-text.ts";
import type { SlackApi } from "#slack/slack-channel.ts";

type NotifyDependencies = {
  readonly slack: { readonly chat: Pick<SlackApi["chat"], "postMessage"> };
  readonly channel: string;
};

/** https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html */
const Notification = z.object({
  Records: z
    .array(z.object({ Sns: z.object({ Subject: z.string().nullish(), Message: z.string() }) }))
    .min(1),
});

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-notification-json.html */
const Alarm = z.object({
  AlarmName: z.string(),
  AlarmDescription: z.string().nullish(),
  AWSAccountId: z.string(),
  NewStateValue: z.enum(["ALARM", "OK", "INSUFFICIENT_DATA"]),
  NewStateReason: z.string(),
  Region: z.string().nullish(),
  AlarmArn: z.string().nullish(),
});

/** An event of Slipway as EventBridge's rule publishes it. */
const Delivered = z.object({ detail: SlipwayEvent });

/** Slack would cut a longer text in the middle of a word. */
const maxTextLength = 3_000;

const headings = {
  ALARM: ":rotating_light: *Alarm*",
  OK: ":white_check_mark: *Over*",
  INSUFFICIENT_DATA: ":grey_question: *No data*",
} as const;

const linkToConsole = (arn: string | null | undefined, name: string): string => {
  const region = arn?.split(":")[3];
  if (!region) return escapeLine(name);
  const url = `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#alarmsV2:alarm/${encodeURIComponent(name)}`;
  return `<${url}|${escapeLine(name)}>`;
};

const renderEvent = (event: SlipwayEvent): string =>
  `:loudspeaker: *${detailTypes[event.type]}* ${escapeLine(event.model)}\n${escapeLine(describeEvent(event))}`;

const renderNotification = (subject: string | null | undefined, message: string): string => {
  const json = parseJson(message);
  const delivered = Delivered.safeParse(json);
  if (delivered.success) return clipText(renderEvent(delivered.data.detail), maxTextLength);
  const parsed = Alarm.safeParse(json);
  if (!parsed.success)
    return clipText(escapeText(`${subject ? `${subject}: ` : ""}${message}`), maxTextLength);
  const alarm = parsed.data;
  const lines = [
    `${headings[alarm.NewStateValue]} ${linkToConsole(alarm.AlarmArn, alarm.AlarmName)} in account ${alarm.AWSAccountId}`,
    ...(alarm.AlarmDescription ? [escapeText(alarm.AlarmDescription)] : []),
    ...(alarm.NewStateValue === "OK" ? [] : [`_${escapeLine(alarm.NewStateReason)}_`]),
  ];
  return clipText(lines.join("\n"), maxTextLength);
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/**
 * Posts alarms that start and end and Slipway's events to the channel, and other notifications as plain text. If Slack fails, the call fails:
 * Lambda retries twice, then the notification goes to the dead-letter queue, which has an alarm.
 */
export const notify =
  ({ slack, channel }: NotifyDependencies) =>
  async (event: unknown): Promise<{ readonly told: number }> => {
    const { Records } = Notification.parse(event);
    for (const { Sns } of Records)
      await slack.chat.postMessage({
        channel,
        text: renderNotification(Sns.Subject, Sns.Message),
        // Slack would make links of addresses in text from outside.
        parse: "none",
        unfurl_links: false,
      });
    return { told: Records.length };
  };
