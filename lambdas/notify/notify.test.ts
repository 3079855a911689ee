import { expect, test } from "vitest";
import { notify } from "./notify.ts";

const told = async (...messages: readonly { readonly Subject?: string; readonly Message: string }[]) => {
  const said: { channel?: unknown; text?: unknown }[] = [];
  const answer = await notify({
    channel: "C1",
    slack: {
      chat: {
        postMessage: async (message) => {
          said.push(message);
          return { ok: true };
        },
      },
    },
  })({ Records: messages.map((Sns) => ({ EventSource: "aws:sns", Sns })) });
  return { said, answer };
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

test("an alarm is told with what it means, why it began, whose account it is and a link to it", async () => {
  const { said } = await told({ Subject: 'ALARM: "slipway-prod-errors"', Message: alarm() });
  expect(said).toHaveLength(1);
  expect(said[0]?.channel).toBe("C1");
  expect(said[0]?.text).toBe(
    [
      ":rotating_light: *Alarm* <https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#alarmsV2:alarm/slipway-prod-errors|slipway-prod-errors> in account 333333333333",
      "More than 10 % of prod's requests failed.",
      "_Threshold Crossed: 1 datapoint [14.2] was greater than the threshold (10.0)._",
    ].join("\n"),
  );
});

test("that an alarm is over is told without its reason", async () => {
  const { said } = await told({
    Message: alarm({ NewStateValue: "OK", NewStateReason: "1 datapoint was not greater" }),
  });
  expect(said[0]?.text).toMatch(/^:white_check_mark: \*Over\*/);
  expect(said[0]?.text).not.toContain("datapoint");
});

test("each of several notifications is told", async () => {
  const { said, answer } = await told({ Message: alarm() }, { Message: alarm({ NewStateValue: "OK" }) });
  expect(said).toHaveLength(2);
  expect(answer).toEqual({ told: 2 });
});

test("what is no alarm is told as it stands, and nothing in it is markup for Slack", async () => {
  const { said } = await told({
    Subject: "Hello",
    Message: "<!channel> see <https://evil.example|here> & there",
  });
  expect(said[0]?.text).toBe("Hello: &lt;!channel&gt; see &lt;https://evil.example|here&gt; &amp; there");
});

test("neither is anything in an alarm's name", async () => {
  const { said } = await told({ Message: alarm({ AlarmName: "a|<!here>", AlarmDescription: "<!channel>" }) });
  expect(said[0]?.text).not.toContain("<!");
});

test("a notification of a megabyte is told at Slack's length", async () => {
  const { said } = await told({ Message: "x".repeat(1_000_000) });
  expect(String(said[0]?.text).length).toBeLessThanOrEqual(3_000);
});

test("a fault of Slack's is the call's own, so that the notification is tried again and kept", async () => {
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

test("an event that is no notification is refused", async () => {
  await expect(told()).rejects.toThrow();
});
