/** The desk's state, in its own SQLite file: messages, triggers, open dialogs, response URLs. */
import { z } from "zod";
import { openDatabase } from "#platform/store/open-database.ts";
import { MessageBlocks, Modal } from "./blocks.ts";

const Flat = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
/** Data that the app attaches to a message and that people do not see. Source: https://docs.slack.dev/messaging/message-metadata */
export const Metadata = z.strictObject({
  event_type: z.string().regex(/^\w+$/, "must be alphanumeric"),
  event_payload: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), Flat, z.array(Flat)])),
});

const Message = z.object({
  ts: z.string(),
  /** The author: the app's bot. */
  user: z.string(),
  text: z.string(),
  blocks: MessageBlocks,
  /** The message whose thread this reply is in. */
  thread_ts: z.string().optional(),
  /** A reply that the channel shows too. */
  subtype: z.literal("thread_broadcast").optional(),
  metadata: Metadata.optional(),
  edited: z.object({ user: z.string(), ts: z.string() }).optional(),
  /** The only user who sees an ephemeral message. */
  onlyFor: z.string().optional(),
});
export type Message = z.infer<typeof Message>;

/** Whether the channel shows a message, and not only its thread. */
export const isInChannel = ({ thread_ts, subtype }: Message): boolean =>
  thread_ts === undefined || subtype === "thread_broadcast";

const View = z.object({ id: z.string(), user: z.string(), hash: z.string(), modal: Modal });
export type View = z.infer<typeof View>;

const Row = z.object({ body: z.string() });
const Trigger = z.object({ user: z.string(), expires: z.number(), used: z.number() });
const ResponseAddress = z.object({
  ts: z.string(),
  user: z.string(),
  expires: z.number(),
  uses: z.number(),
});

type ResponseAddress = { readonly ts: string; readonly user: string };

/** The desk's tables. IF NOT EXISTS, because older files have them without a count of migrations. */
const deskMigrations = [
  `
    CREATE TABLE IF NOT EXISTS message (ts TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS trigger_id (id TEXT PRIMARY KEY, user TEXT NOT NULL, expires INTEGER NOT NULL, used INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS view (id TEXT PRIMARY KEY, user TEXT NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS response_url (id TEXT PRIMARY KEY, ts TEXT NOT NULL, user TEXT NOT NULL, expires INTEGER NOT NULL, uses INTEGER NOT NULL) STRICT;
  `,
];

/** Opens or creates the desk's file; `:memory:`: in memory. Throws DataFolderUnusable. */
export const openDeskState = (path: string) => {
  const db = openDatabase(path, deskMigrations);
  const sql = {
    put: db.prepare("INSERT INTO message VALUES (?, ?) ON CONFLICT (ts) DO UPDATE SET body = excluded.body"),
    get: db.prepare("SELECT body FROM message WHERE ts = ?"),
    remove: db.prepare("DELETE FROM message WHERE ts = ?"),
    newest: db.prepare("SELECT body FROM message ORDER BY ts DESC LIMIT ?"),
    replies: db.prepare(
      "SELECT body FROM message WHERE json_extract(body, '$.thread_ts') = ? AND json_extract(body, '$.onlyFor') IS NULL ORDER BY ts",
    ),
    last: db.prepare("SELECT max(ts) AS body FROM message HAVING max(ts) IS NOT NULL"),
    mentioning: db.prepare(
      "SELECT body FROM message WHERE instr(body, ?) > 0 AND json_extract(body, '$.onlyFor') IS NULL ORDER BY ts DESC LIMIT 1",
    ),
    addTrigger: db.prepare("INSERT INTO trigger_id VALUES (?, ?, ?, 0)"),
    trigger: db.prepare("SELECT user, expires, used FROM trigger_id WHERE id = ?"),
    useTrigger: db.prepare("UPDATE trigger_id SET used = 1 WHERE id = ? AND used = 0"),
    dropTriggers: db.prepare("DELETE FROM trigger_id WHERE expires < ?"),
    putView: db.prepare(
      "INSERT INTO view VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
    ),
    getView: db.prepare("SELECT body FROM view WHERE id = ?"),
    viewOf: db.prepare("SELECT body FROM view WHERE user = ? ORDER BY rowid DESC LIMIT 1"),
    removeView: db.prepare("DELETE FROM view WHERE id = ?"),
    addResponse: db.prepare("INSERT INTO response_url VALUES (?, ?, ?, ?, 0)"),
    response: db.prepare("SELECT ts, user, expires, uses FROM response_url WHERE id = ?"),
    useResponse: db.prepare("UPDATE response_url SET uses = uses + 1 WHERE id = ?"),
    dropResponses: db.prepare("DELETE FROM response_url WHERE expires < ?"),
  };
  const parsed = <Type>(schema: z.ZodType<Type>, row: unknown): Type | undefined =>
    row === undefined ? undefined : schema.parse(JSON.parse(Row.parse(row).body));

  return {
    /** A new `ts` in Slack's form, seconds and microseconds; it is the message's id and grows with each call. */
    nextTs(now: number): string {
      const row = sql.last.get();
      const last = row === undefined ? 0 : Math.round(Number(Row.parse(row).body) * 1_000_000);
      const micros = Math.max(now * 1_000, last + 1);
      return `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, "0")}`;
    },
    putMessage: (message: Message): void => void sql.put.run(message.ts, JSON.stringify(message)),
    message: (ts: string): Message | undefined => parsed(Message, sql.get.get(ts)),
    removeMessage: (ts: string): void => void sql.remove.run(ts),
    /** Newest first. */
    messages: (limit: number): Message[] =>
      sql.newest.all(limit).flatMap((row) => parsed(Message, row) ?? []),
    /** The thread of a message, oldest first. */
    replies: (ts: string): Message[] => sql.replies.all(ts).flatMap((row) => parsed(Message, row) ?? []),
    /** The newest message for everybody that contains `word`. */
    messageAbout: (word: string): Message | undefined => parsed(Message, sql.mentioning.get(word)),

    addTrigger(id: string, user: string, expires: number): void {
      sql.dropTriggers.run(expires - 3_600_000);
      sql.addTrigger.run(id, user, expires);
    },
    /** Uses a trigger; each opens one view, before it expires. */
    exchangeTrigger(id: string, now: number): { user: string } | "unknown" | "expired" | "exchanged" {
      const row = sql.trigger.get(id);
      if (row === undefined) return "unknown";
      const trigger = Trigger.parse(row);
      if (trigger.used === 1) return "exchanged";
      if (now > trigger.expires) return "expired";
      return sql.useTrigger.run(id) === 1 ? { user: trigger.user } : "exchanged";
    },

    putView: (view: View): void => void sql.putView.run(view.id, view.user, JSON.stringify(view)),
    view: (id: string): View | undefined => parsed(View, sql.getView.get(id)),
    /** The dialog that was opened last. */
    viewOf: (user: string): View | undefined => parsed(View, sql.viewOf.get(user)),
    removeView: (id: string): void => void sql.removeView.run(id),

    addResponseAddress(id: string, { ts, user }: ResponseAddress, expires: number): void {
      sql.dropResponses.run(expires - 3_600_000);
      sql.addResponse.run(id, ts, user, expires);
    },
    /** Uses a response URL; Slack allows 5 uses in 30 minutes. */
    useResponseAddress(id: string, now: number): ResponseAddress | undefined {
      const row = sql.response.get(id);
      if (row === undefined) return undefined;
      const { ts, user, expires, uses } = ResponseAddress.parse(row);
      if (now > expires || uses >= 5) return undefined;
      sql.useResponse.run(id);
      return { ts, user };
    },
    close: (): void => db.close(),
  };
};
export type DeskState = ReturnType<typeof openDeskState>;
