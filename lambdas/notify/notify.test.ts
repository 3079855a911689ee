import { expect, test } from "vitest";
import { notify } from "./notify.ts";

const postNotifications = async (
  ...messages: readonly { readonly Subject?: string; readonly Message: string }[]
) => {
  const posted: { channel?: unknown; text?: unknown }[] = [];
  const result = await notify({
    channel: "C1",
    slack: {
      chat: {
        postMessage: async (message) => {
          posted.push(message);
          return { ok: true };
        },
      },
    },
  })({ Records: messages.map((Sns) => ({ EventSource: "aws:sns", Sns })) });
  return { posted, result };
};

const alarm = (change: object = {}) =>
  JSON.stringify({
    AlarmName: "slipway-prod-errors",
    AlarmDescription: "More than 10 % of prod's requests failed.",
    AWSAccountId: "333333333333",
    NewStateValue: "ALARM",
    OldStateValue: "OK",
    NewStateReason: "Threshold Crossed: 1 datapoint [14.2] was greater than the threshold (10.0).",
    Region: "US East (N. Virginia)",
    AlarmArn: "arn:aws:cloudwatch:us-east-1:333333333333:alarm:slipway-prod-errors",
    ...change,
  });

test("an alarm is posted with its description, its reason, its account and a link", async () => {
  const { posted } = await postNotifications({ Subject: 'ALARM: "slipway-prod-errors"', Message: alarm() });
  expect(posted).toHaveLength(1);
  expect(posted[0]?.channel).toBe("C1");
  expect(posted[0]?.text).toBe(
    [
      ":rotating_light: *Alarm* <https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#alarmsV2:alarm/slipway-prod-errors|slipway-prod-errors> in account 333333333333",
      "More than 10 % of prod's requests failed.",
      "_Threshold Crossed: 1 datapoint [14.2] was greater than the threshold (10.0)._",
    ].join("\n"),
  );
});

test("the end of an alarm is posted without a reason", async () => {
  const { posted } = await postNotifications({
    Message: alarm({ NewStateValue: "OK", NewStateReason: "1 datapoint was not greater" }),
  });
  expect(posted[0]?.text).toMatch(/^:white_check_mark: \*Over\*/);
  expect(posted[0]?.text).not.toContain("datapoint");
});

test("each of several notifications is posted", async () => {
  const { posted, result } = await postNotifications(
    { Message: alarm() },
    { Message: alarm({ NewStateValue: "OK" }) },
  );
  expect(posted).toHaveLength(2);
  expect(result).toEqual({ told: 2 });
});

test("another notification is posted as plain text, without Slack markup", async () => {
  const { posted } = await postNotifications({
    Subject: "Hello",
    Message: "<!channel> see <https://evil.example|here> & there",
  });
  expect(posted[0]?.text).toBe("Hello: &lt;!channel&gt; see &lt;https://evil.example|here&gt; &amp; there");
});

test("the name and the description of an alarm are posted without Slack markup", async () => {
  const { posted } = await postNotifications({
    Message: alarm({ AlarmName: "a|<!here>", AlarmDescription: "<!channel>" }),
  });
  expect(posted[0]?.text).not.toContain("<!");
});

test("a notification of a megabyte is cut to Slack's limit", async () => {
  const { posted } = await postNotifications({ Message: "x".repeat(1_000_000) });
  expect(String(posted[0]?.text).length).toBeLessThanOrEqual(3_000);
});

test("an error from Slack fails the call, so that Lambda retries and keeps the notification", async () => {
  const failing = notify({
    channel: "C1",
    slack: {
      chat: {
        postMessage: async () => {
          throw new Error("ratelimited");
        },
      },
    },
  });
  await expect(failing({ Records: [{ Sns: { Message: alarm() } }] })).rejects.toThrow("ratelimited");
});

test("an event without a notification is refused", async () => {
  await expect(postNotifications()).rejects.toThrow();
});

test("an event of Slipway is posted as a sentence, with markup escaped", async () => {
  const detail = {
    version: 1,
    id: "0f".repeat(16),
    type: "rolled-back",
    at: "2026-01-01T00:00:00.000Z",
    model: "churn",
    delivery: "rollback-churn-1",
    commit: "c".repeat(40),
    environment: "prod",
    from: { digest: "sha256:b", modelVersion: 2 },
    to: { digest: "sha256:a", modelVersion: 1 },
    reason: "Ada: <!channel> labels & scores are wrong",
  };
  const { posted } = await postNotifications({
    Message: JSON.stringify({ source: "slipway", "detail-type": "Rolled Back", detail }),
  });
  expect(posted[0]?.text).toBe(
    ":loudspeaker: *Rolled Back* churn\nProd went back from version 2 to version 1: Ada: &lt;!channel&gt; labels &amp; scores are wrong",
  );
});

test("an event in a form that this version does not know is posted as plain text", async () => {
  const Message = JSON.stringify({ source: "slipway", detail: { version: 2, type: "other" } });
  const { posted } = await postNotifications({ Message });
  expect(posted[0]?.text).toContain('"version":2');
});
