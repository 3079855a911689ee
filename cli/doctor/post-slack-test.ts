import { explainSlackErrorName } from "#slack/explain-slack-error-name.ts";
import { callSlack, type SlackNeeds } from "./call-slack.ts";
import type { DoctorFinding } from "./finding.ts";

/**
 * Posts one message into the deliveries' channel; only with `--post`.
 * https://docs.slack.dev/reference/methods/chat.postMessage
 */
export const postSlackTest = async (
  needs: SlackNeeds,
  channel: string,
): Promise<DoctorFinding | undefined> => {
  const response = await callSlack(needs, "chat.postMessage", {
    channel,
    text: "`slipway doctor` posts this to test the channel. Nothing is to do.",
  });
  if (response === undefined) return undefined;
  if (response.ok) return { status: "ok", sentence: `A test message was posted in the channel ${channel}.` };
  const error = (response.error ?? "").slice(0, 60);
  const { what, remedy } = explainSlackErrorName(error, response.needed);
  return {
    status: "missing",
    sentence: `The test message was not posted in the channel ${channel}: ${what} (${error}).`,
    remedy,
  };
};
