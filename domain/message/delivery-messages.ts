import { createHash } from "node:crypto";
import * as z from "zod";
import { emptyIdentities, type Identities } from "#domain/approval/identities.ts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { createPlatformPolicy, type PlatformPolicy } from "#domain/policy/platform-policy.ts";
import { readPages, type Store, type StoredItem } from "#platform/store/store.ts";
import { deriveReplies, isToldByPost, type Reply } from "./derive-replies.ts";
import { MessageGone, MessageRefused, MessageUnconfirmed } from "./errors.ts";
import { deriveMessageState, type MessageState } from "./message-state.ts";
import { readMessageFacts } from "./read-message-facts.ts";
import { resolveMentions } from "./resolve-mentions.ts";

const PostedMessage = z.object({ channel: z.string(), ts: z.string() });
type PostedMessage = z.infer<typeof PostedMessage>;
const MessageItem = z.object({
  /** Null until it is posted. */
  posted: PostedMessage.nullable(),
  /** Number of writes to Slack that have begun. */
  revision: z.int().default(0),
  /** Writes that have begun and not ended: until they end or time out, it is unknown what Slack shows. */
  writing: z.array(z.object({ revision: z.int(), at: z.int() })).default([]),
  /** Hash of the state that Slack shows; null: unknown. */
  shown: z.string().nullable().default(null),
  /** Replies that are told, or that the message itself told when it was posted. Absent: it is not posted, or older than replies. */
  replied: z.array(z.string()).optional(),
  /** Replies that Slack may have taken without saying so: the thread shows whether it did. Absent: none. */
  unconfirmed: z.array(z.string()).optional(),
  /** Why Slack did not take the newest facts, and what to do. Absent: it took them. */
  problem: z.string().optional(),
});
type MessageItem = z.infer<typeof MessageItem>;
const emptyItem: MessageItem = { posted: null, revision: 0, writing: [], shown: null };

/** Both worlds use @slack/web-api for it. Throws MessageRefused, and MessageGone for a message that somebody deleted. */
export type MessageChannel = {
  /** Posts, or finds the message that an interrupted post has left, which may show older facts: then `isNew` is false. */
  post(state: MessageState): Promise<PostedMessage & { readonly isNew: boolean }>;
  update(posted: PostedMessage, state: MessageState): Promise<void>;
  /** False: somebody deleted it, or its channel is given up. */
  isThere(posted: PostedMessage): Promise<boolean>;
  /**
   * Replies in the message's thread. Throws MessageUnconfirmed where Slack may have taken the reply; `isUnconfirmed`: an
   * earlier call ended so, and the reply may be there.
   */
  reply(posted: PostedMessage, reply: Reply, isUnconfirmed: boolean): Promise<void>;
  /** Empties a duplicate. */
  retract(posted: PostedMessage): Promise<void>;
};

const toMessageKey = (delivery: string) => ({ partition: "messages", sort: delivery });
/** Deliveries whose message may differ from the facts, or will still change. The sweep checks each. */
const pendingPartition = "messages-unshown";
const PendingNote = z.object({ at: z.int().default(0) });
const retentionSeconds = 400 * 86_400;

/** A write takes at most three calls of 2 s. An older one has crashed. */
const writeTimeoutMs = 60_000;
/** How long to keep the note of a delivery that has no facts yet. */
const emptyNoteLifetimeMs = 3_600_000;

const hashState = (state: MessageState): string =>
  createHash("sha256").update(JSON.stringify(state)).digest("hex");

/**
 * One message per delivery, edited in place. Its content follows from stored facts alone (`deriveMessageState`). Every step
 * that has changed a fact calls `show`.
 *
 * A write to Slack first takes a number by a conditional write, and gives it back afterwards. If a higher number exists
 * by then, it is unknown which write Slack received last, so the last writer to finish reads the facts again and writes
 * once more. The sweep repeats a write that never finished.
 */
export const createDeliveryMessages = ({
  store,
  channel,
  clock,
  warn,
  policy = createPlatformPolicy({ store }),
}: {
  store: Store;
  channel: MessageChannel;
  clock: () => number;
  warn: LogWarning;
  /** Its map says who is mentioned for an address. */
  policy?: Pick<PlatformPolicy, "find">;
}) => {
  const facts = readMessageFacts({ store, clock });
  const read = async (delivery: string): Promise<MessageItem & { readonly version: number | "absent" }> => {
    const item = await store.get(toMessageKey(delivery));
    return item
      ? { ...MessageItem.parse(item.value), version: item.version }
      : { ...emptyItem, version: "absent" };
  };
  const write = async (
    delivery: string,
    { posted, revision, writing, shown, replied, unconfirmed, problem }: MessageItem,
    expect: number | "absent",
  ) =>
    (
      await store.put(
        toMessageKey(delivery),
        {
          ...{ posted, revision, writing, shown },
          ...(replied && { replied }),
          ...(unconfirmed && { unconfirmed }),
          ...(problem && { problem }),
        },
        { expect, expiresAt: Math.floor(clock() / 1000) + retentionSeconds },
      )
    ).written;

  /** A mention is no decision: without a readable map, addresses are looked up as they are. */
  const readIdentities = async ({ mentions, id }: Reply): Promise<Identities> => {
    if (mentions.addresses.length === 0) return emptyIdentities;
    try {
      return (await policy.find())?.identities ?? emptyIdentities;
    } catch (error) {
      warn(`could not read the platform's map of people for the reply ${id}`, error);
      return emptyIdentities;
    }
  };

  const expect = async (delivery: string): Promise<void> => {
    await store.put({ partition: pendingPartition, sort: delivery }, { at: clock() });
  };

  /** Takes a number; undefined: another writer was faster. */
  const begin = async (delivery: string, item: MessageItem & { version: number | "absent" }) => {
    const at = clock();
    const revision = item.revision + 1;
    const writing = [...item.writing.filter((other) => at - other.at < writeTimeoutMs), { revision, at }];
    const isWritten = await write(delivery, { ...item, revision, writing, shown: null }, item.version);
    return isWritten ? revision : undefined;
  };

  /**
   * Gives the number back. If no other write began (`isLast`), Slack shows this one. Otherwise it is unknown what Slack
   * shows, so the other writers cannot be certain either.
   */
  const end = async (
    delivery: string,
    number: number,
    posted: PostedMessage,
    { hash, told }: { readonly hash: string; readonly told: readonly string[] },
  ) => {
    for (;;) {
      const item = await read(delivery);
      const isLast = item.revision === number;
      const next: MessageItem = {
        posted: item.posted ?? posted,
        revision: isLast ? number : item.revision + 1,
        writing: item.writing.filter(({ revision }) => revision !== number),
        shown: isLast ? hash : null,
        // What the message itself told when it was posted needs no reply.
        replied: item.replied ?? [...told],
      };
      if (!(await write(delivery, next, item.version))) continue;
      const at = clock();
      const hasOthers = next.writing.some((other) => at - other.at < writeTimeoutMs);
      return { message: next.posted ?? posted, leftToOthers: !isLast && hasOthers };
    }
  };

  /**
   * Tells what is not told yet. A reply is noted before it is sent, because Slack has no idempotency key, and the note is
   * taken back if Slack refuses it: a crash in between loses a reply, and the message itself still says what it said. Where
   * Slack may have taken it, the next attempt looks into the thread first.
   */
  const replyToMessage = async (
    delivery: string,
    { posted, replied, unconfirmed = [] }: MessageItem,
    replies: readonly Reply[],
  ): Promise<void> => {
    // Of a message from before there were replies, the past stays untold.
    const told = replied ?? replies.map(({ id }) => id);
    if (!posted || (replied && replies.every(({ id }) => told.includes(id)))) return;
    for (const reply of replies) {
      if (!(await noteReply(delivery, reply.id, told))) continue;
      const mentions = resolveMentions(await readIdentities(reply), reply.mentions);
      const isUnconfirmed = unconfirmed.includes(reply.id);
      await channel.reply(posted, { ...reply, mentions }, isUnconfirmed).catch(async (error: unknown) => {
        await forgetReply(delivery, reply.id, error instanceof MessageUnconfirmed);
        throw error;
      });
    }
  };
  /** False: it is noted already. */
  const noteReply = async (delivery: string, id: string, told: readonly string[]): Promise<boolean> => {
    for (;;) {
      const item = await read(delivery);
      const known = item.replied ?? told;
      if (known.includes(id) && item.replied) return false;
      if (await write(delivery, { ...item, replied: [...new Set([...known, id])] }, item.version))
        return !known.includes(id);
    }
  };
  const forgetReply = async (delivery: string, id: string, isUnconfirmed: boolean): Promise<void> => {
    for (;;) {
      const item = await read(delivery);
      const replied = (item.replied ?? []).filter((other) => other !== id);
      const unconfirmed = [...new Set([...(item.unconfirmed ?? []), ...(isUnconfirmed ? [id] : [])])];
      const next = { ...item, replied, ...(unconfirmed.length > 0 && { unconfirmed }) };
      if (await write(delivery, next, item.version)) return;
    }
  };

  /** Somebody deleted the message: the next write posts another one, which has the untold replies below it. */
  const forgetMessage = async (delivery: string, { ts }: PostedMessage, number?: number): Promise<void> => {
    for (;;) {
      const item = await read(delivery);
      const isCurrent = item.posted?.ts === ts;
      const writing = item.writing.filter(({ revision }) => revision !== number);
      const next = { ...item, writing, ...(isCurrent ? { posted: null, shown: null } : {}) };
      if (await write(delivery, next, item.version)) return;
    }
  };

  /** Undefined: Slack takes the facts. */
  const noteProblem = async (delivery: string, problem: string | undefined): Promise<void> => {
    for (;;) {
      const { version, problem: before, ...item } = await read(delivery);
      if (before === problem) return;
      if (await write(delivery, { ...item, ...(problem === undefined ? {} : { problem }) }, version)) return;
    }
  };

  /**
   * Writes the facts to Slack. It reads the item before the facts: a write in the meantime makes `begin` fail, so no
   * writer begins to write older facts than another writer.
   * @param thorough writes again where an earlier write has not ended, even if Slack seems up to date, and looks whether
   * an open question is still there
   */
  const syncMessage = async (delivery: string, thorough: boolean): Promise<void> => {
    let reposts = 0;
    /** Throws MessageGone the second time: Slack then contradicts itself. */
    const postAgain = async (error: unknown, posted: PostedMessage, number?: number): Promise<void> => {
      if (!(error instanceof MessageGone) || ++reposts > 1) throw error;
      await forgetMessage(delivery, posted, number);
    };
    for (let first = true; ; first = false) {
      const item = await read(delivery);
      const known = await facts(delivery);
      const state = deriveMessageState(known);
      if (!state) return;
      const hash = hashState(state);
      const uncertain = thorough && first && item.writing.length > 0;
      if (item.posted && item.shown === hash && !uncertain) {
        const isLooking = thorough && first && state.question?.status === "open";
        try {
          if (isLooking && !(await channel.isThere(item.posted))) {
            // In a channel that is given up it would keep its buttons.
            await channel.retract(item.posted).catch(() => undefined);
            throw new MessageGone(`the message of ${delivery} was deleted, or its channel is given up`);
          }
          await replyToMessage(delivery, item, deriveReplies(known));
          if (item.problem !== undefined) await noteProblem(delivery, undefined);
          return;
        } catch (error) {
          await postAgain(error, item.posted);
          continue;
        }
      }
      if (item.version === "absent") await expect(delivery);
      const number = await begin(delivery, item);
      if (number === undefined) continue;
      const { isNew, ...posted } = item.posted ? { ...item.posted, isNew: false } : await channel.post(state);
      try {
        // A new message shows the facts already: an update would only add "(edited)".
        if (!isNew) await channel.update(posted, state);
      } catch (error) {
        await postAgain(error, posted, number);
        continue;
      }
      const { message, leftToOthers } = await end(delivery, number, posted, {
        hash,
        told: deriveReplies(known)
          .filter(isToldByPost)
          .map(({ id }) => id),
      });
      // Two simultaneous posts made two messages: empty one, so that it has no buttons.
      if (message.ts !== posted.ts) await channel.retract(posted);
      // The last writer to finish writes for all: if each wrote, they would exceed Slack's rate limit.
      if (leftToOthers) return;
    }
  };

  const show = async (delivery: string, thorough = false): Promise<"shown" | "not shown" | "no response"> => {
    const context = { delivery };
    try {
      await syncMessage(delivery, thorough);
      return "shown";
    } catch (error) {
      warn(`could not update the message of ${delivery} in Slack; the sweep retries`, error, context);
      const note = async () => {
        await expect(delivery);
        if (error instanceof MessageRefused || error instanceof MessageUnconfirmed)
          await noteProblem(delivery, error.message);
      };
      await note().catch((noteError: unknown) =>
        warn(`could not note that the message of ${delivery} is outdated`, noteError, context),
      );
      return error instanceof MessageUnconfirmed ? "no response" : "not shown";
    }
  };

  /** The delivery has ended, and Slack certainly shows it: the sweep need not check it again. */
  const isSettled = async ({ key: { sort: delivery }, value }: StoredItem): Promise<boolean> => {
    const known = await facts(delivery);
    const state = deriveMessageState(known);
    if (!state) return clock() - PendingNote.parse(value).at > emptyNoteLifetimeMs;
    const { posted, shown, writing, replied = [] } = await read(delivery);
    const isTold = deriveReplies(known).every(({ id }) => replied.includes(id));
    return (
      posted !== null &&
      state.outcome !== null &&
      shown === hashState(state) &&
      writing.length === 0 &&
      isTold
    );
  };

  return {
    /** Undefined: the delivery has no message. */
    state: async (delivery: string) => deriveMessageState(await facts(delivery)),
    /** Null before it is posted. */
    posted: async (delivery: string) => (await read(delivery)).posted,
    /** Why Slack does not show the newest facts, and what to do; undefined: it shows them, or will within minutes. */
    problem: async (delivery: string) => (await read(delivery)).problem,
    /** Notes that a message is about to change, so that the sweep updates it after a crash. */
    expect,
    show: async (delivery: string): Promise<boolean> => (await show(delivery)) === "shown",
    /**
     * Updates the messages that an error or a crash has left outdated. While Slack does not respond, each message costs
     * seconds: after three in a row the others wait for the next sweep.
     * @param settle does what else has to follow a change of the delivery's facts; false: the delivery is looked at again
     */
    showUnshown: async (settle: (delivery: string) => Promise<boolean> = async () => true): Promise<void> => {
      const query = { partition: pendingPartition, order: "ascending", limit: 100 } as const;
      let withoutResponse = 0;
      for await (const notes of readPages(store, query))
        for (const note of notes) {
          const delivery = note.key.sort;
          await settle(delivery);
          if (withoutResponse >= 3) continue;
          const result = await show(delivery, true);
          withoutResponse = result === "no response" ? withoutResponse + 1 : 0;
          if (result !== "shown") continue;
          // Only this note: a newer one belongs to a change that is not shown yet. Settled again, because the last fact may
          // have come since.
          if ((await isSettled(note)) && (await settle(delivery)))
            await store.remove(note.key, { expect: note.version });
        }
    },
  };
};
export type DeliveryMessages = ReturnType<typeof createDeliveryMessages>;
