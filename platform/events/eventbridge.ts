import { type EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { callAws } from "#platform/errors/call-aws.ts";
import { detailTypes, type Events, eventSource, type RefusedEvent, type SlipwayEvent } from "./events.ts";

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
const maxEntries = 10;

/** Publishes on a bus of EventBridge, in calls of 10 events. */
export const createEventBridgeEvents = ({
  client,
  bus,
}: {
  readonly client: EventBridgeClient;
  readonly bus: string;
}): Events => {
  const put = async (events: readonly SlipwayEvent[]): Promise<readonly RefusedEvent[]> => {
    const { Entries = [] } = await callAws("EventBridge PutEvents", () =>
      client.send(
        new PutEventsCommand({
          Entries: events.map((event) => ({
            EventBusName: bus,
            Source: eventSource,
            DetailType: detailTypes[event.type],
            Time: new Date(event.at),
            Detail: JSON.stringify(event),
          })),
        }),
      ),
    );
    // The response has a result for each entry, in the same order; one entry may fail while others are accepted.
    return events.flatMap(({ id }, index) => {
      const result = Entries[index];
      return result?.EventId === undefined
        ? [{ id, why: `${result?.ErrorCode ?? "NoResult"}: ${result?.ErrorMessage ?? "no result"}` }]
        : [];
    });
  };

  return {
    publish: async (events) => {
      const refused: RefusedEvent[] = [];
      for (let from = 0; from < events.length; from += maxEntries)
        refused.push(...(await put(events.slice(from, from + maxEntries))));
      return refused;
    },
  };
};
