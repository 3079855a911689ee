import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  FilterLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import { expect, test } from "vitest";
import * as z from "zod";
import { eventsContract } from "#test/contracts/events.ts";
import { describeWithFaults, type MotoPeer } from "#test/peers/describe-with-faults.ts";
import { createEventBridgeEvents } from "./eventbridge.ts";
import { detailTypes, eventSource, eventVersion, SlipwayEvent } from "./events.ts";

const Delivered = z.object({
  source: z.literal(eventSource),
  "detail-type": z.string(),
  time: z.string(),
  detail: SlipwayEvent,
});

let buses = 0;
/** A bus, and a subscriber: a rule on it that writes every event of Slipway into a log group. */
const subject = async (peer: MotoPeer) => {
  buses += 1;
  const name = `slipway-${buses}`;
  const group = `/aws/events/${name}`;
  const bridge = new EventBridgeClient(peer.direct());
  const logs = new CloudWatchLogsClient(peer.direct());
  await logs.send(new CreateLogGroupCommand({ logGroupName: group }));
  await bridge.send(new CreateEventBusCommand({ Name: name }));
  const rule = { EventBusName: name, Name: "all", EventPattern: JSON.stringify({ source: [eventSource] }) };
  await bridge.send(new PutRuleCommand(rule));
  const region = await bridge.config.region();
  const target = { Id: "log", Arn: `arn:aws:logs:${region}:123456789012:log-group:${group}` };
  await bridge.send(new PutTargetsCommand({ EventBusName: name, Rule: rule.Name, Targets: [target] }));
  const client = new EventBridgeClient(peer.config());
  const delivered = async () => {
    const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName: group }));
    return events.map(({ message = "" }) => Delivered.parse(JSON.parse(message)));
  };
  return {
    events: createEventBridgeEvents({ client, bus: name }),
    delivered,
    received: async () => (await delivered()).map(({ detail }) => detail),
    close: async () => {
      for (const each of [bridge, logs, client]) each.destroy();
    },
  };
};

const promoted: SlipwayEvent = {
  version: eventVersion,
  type: "outcome",
  id: "0f".repeat(16),
  at: "2026-01-01T00:00:00.000Z",
  model: "churn",
  delivery: "d1",
  commit: "c".repeat(40),
  outcome: "promoted",
  error: null,
};

describeWithFaults("events", (peer, name) => {
  eventsContract(`EventBridge, ${name}`, () => subject(peer));

  test("a rule finds source, detail type and the time of the fact", async () => {
    const { events, delivered, close } = await subject(peer);
    await events.publish([promoted]);
    const [event] = await delivered();
    expect(event?.["detail-type"]).toBe(detailTypes.outcome);
    expect(new Date(event?.time ?? 0).toISOString()).toBe(promoted.at);
    await close();
  });

  test.each(["throttled", "failed", "cut before", "cut after"] as const)(
    "calls that are %s at each attempt end as TemporaryFault",
    async (fault) => {
      const { events, close } = await subject(peer);
      peer.proxy().force(fault);
      await expect(events.publish([promoted])).rejects.toMatchObject({ name: "TemporaryFault" });
      peer.proxy().force(undefined);
      await close();
    },
  );
});

test("an entry that EventBridge refuses is named with its reason, and the others count as published", async () => {
  const client = new EventBridgeClient({ region: "eu-central-1" });
  client.send = async () => ({
    FailedEntryCount: 1,
    Entries: [{ EventId: "1" }, { ErrorCode: "InternalFailure", ErrorMessage: "try again" }],
  });
  const events = createEventBridgeEvents({ client, bus: "slipway" });
  const other = { ...promoted, id: "1f".repeat(16) };
  expect(await events.publish([promoted, other])).toEqual([
    { id: other.id, why: "InternalFailure: try again" },
  ]);
});
