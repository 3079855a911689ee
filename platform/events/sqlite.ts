import type { Database } from "#platform/store/open-database.ts";
import { type Events, SlipwayEvent } from "./events.ts";

export type PublishedEvent = {
  /** Grows with each event; where a reader continues. */
  readonly position: number;
  readonly event: SlipwayEvent;
};

export type EventReader = {
  /** Events after a position, oldest first. */
  after(position: number, limit: number): readonly PublishedEvent[];
  /** The newest events, oldest first. */
  latest(limit: number): readonly PublishedEvent[];
};

/** The embedded world's bus: a table that any process of the data folder reads. It keeps an event once. */
export const createSqliteEvents = ({ database }: { readonly database: Database }): Events & EventReader => {
  const insert = database.prepare("INSERT INTO events (id, event) VALUES (?, ?) ON CONFLICT (id) DO NOTHING");
  const next = database.prepare(
    "SELECT position, event FROM events WHERE position > ? ORDER BY position LIMIT ?",
  );
  const newest = database.prepare("SELECT position, event FROM events ORDER BY position DESC LIMIT ?");
  const parse = ({ position, event }: Readonly<Record<string, unknown>>): PublishedEvent => ({
    position: Number(position),
    event: SlipwayEvent.parse(JSON.parse(String(event))),
  });
  return {
    publish: async (events) => {
      database.write(() => {
        for (const event of events) insert.run(event.id, JSON.stringify(event));
      });
      return [];
    },
    after: (position, limit) => next.all(position, limit).map(parse),
    latest: (limit) => newest.all(limit).map(parse).toReversed(),
  };
};
