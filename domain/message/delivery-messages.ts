import { createHash } from "node:crypto";
import * as z from "zod";
import type { Warn } from "#domain/delivery/warn.ts";
import type { Store, StoredItem } from "#platform/store/store.ts";
import { deriveMessageState, type MessageState } from "./message-state.ts";
import { readMessageFacts } from "./read-message-facts.ts";

const PostedMessage = z.object({ channel: z.string(), ts: z.string() });
type PostedMessage = z.infer<typeof PostedMessage>;
const MessageItem = z.object({
  /** Where Slack has it; null until it was posted. */
  posted: PostedMessage.nullable(),
  /** How often somebody began to write it to Slack. */
  revision: z.int().default(0),
  /** Who began and has not come back: what Slack shows is uncertain until they have, or are long overdue. */
  writing: z.array(z.object({ revision: z.int(), at: z.int() })).default([]),
  /** Hash of the state that Slack shows; null: not known. */
  shown: z.string().nullable().default(null),
});
type MessageItem = z.infer<typeof MessageItem>;
const emptyItem: MessageItem = { posted: null, revision: 0, writing: [], shown: null };

/** What posting needs of Slack; @slack/web-api behind it on both worlds. */
export type MessageChannel = {
  /** Posts, or finds what an interrupted post of the same delivery left there. */
  post(state: MessageState): Promise<PostedMessage>;
  update(posted: PostedMessage, state: MessageState): Promise<void>;
  /** Takes everything from a message that should not be there. */
  retract(posted: PostedMessage): Promise<void>;
};

const toMessageKey = (delivery: string) => ({ partition: "messages", sort: delivery });
/** Deliveries whose message may not say what the facts say, or will change yet: the sweep looks at each. */
const pendingPartition = "messages-unshown";
const PendingNote = z.object({ at: z.int().default(0) });
const retentionSeconds = 400 * 86_400;

/**
 * After this long nobody who began to write is still at it: a call to Slack takes 2 s at most, three times, and a
 * function that waits longer was stopped.
 */
const writeTimeoutMs = 60_000;
/** How long a note stands of a delivery of which nothing can be told yet. */
const emptyNoteLifetimeMs = 3_600_000;

const hashState = (state: MessageState): string =>
  createHash("sha256").update(JSON.stringify(state)).digest("hex");

/**
 * One message per delivery, edited in place to its end. What it says follows from the stored facts alone
 * (`deriveMessageState`); nobody hands a text to anybody. Whoever has changed a fact calls `show`.
 *
 * Each write to Slack takes a number first, by a conditional write, and comes back after it. Who comes back and finds
 * a higher number cannot know which of the two Slack heard last: both read the facts again, and the message is written
 * again, once, by the last of them to come back. Who never comes back is found by the sweep.
 */
export const createDeliveryMessages = ({
  store,
  channel,
  clock,
  warn,
}: {
  store: Store;
  channel: MessageChannel;
  clock: () => number;
  warn: Warn;
}) => {
  const facts = readMessageFacts({ store, clock });
  const stateOf = async (delivery: string) => deriveMessageState(await facts(delivery));
  const read = async (delivery: string): Promise<MessageItem & { readonly version: number | "absent" }> => {
    const item = await store.get(toMessageKey(delivery));
    return item
      ? { ...MessageItem.parse(item.value), version: item.version }
      : { ...emptyItem, version: "absent" };
  };
  const write = async (
    delivery: string,
    { posted, revision, writing, shown }: MessageItem,
    expect: number | "absent",
  ) =>
    (
      await store.put(
        toMessageKey(delivery),
        { posted, revision, writing, shown },
        { expect, expiresAt: Math.floor(clock() / 1000) + retentionSeconds },
      )
    ).written;

  const expect = async (delivery: string): Promise<void> => {
    await store.put({ partition: pendingPartition, sort: delivery }, { at: clock() });
  };

  /** Takes a number; undefined: someone else wrote in between. */
  const begin = async (delivery: string, found: MessageItem & { version: number | "absent" }) => {
    const at = clock();
    const revision = found.revision + 1;
    const writing = [...found.writing.filter((each) => at - each.at < writeTimeoutMs), { revision, at }];
    const begun = await write(delivery, { ...found, revision, writing, shown: null }, found.version);
    return begun ? revision : undefined;
  };

  /**
   * Gives the number back. `last`: nobody else was at it, so Slack shows what was written. Who was not the last takes
   * away the certainty of the others, too: nobody knows whom Slack heard last.
   */
  const end = async (delivery: string, number: number, posted: PostedMessage, hash: string) => {
    for (;;) {
      const found = await read(delivery);
      const last = found.revision === number;
      const next: MessageItem = {
        posted: found.posted ?? posted,
        revision: last ? number : found.revision + 1,
        writing: found.writing.filter(({ revision }) => revision !== number),
        shown: last ? hash : null,
      };
      if (!(await write(delivery, next, found.version))) continue;
      const at = clock();
      const others = next.writing.some((each) => at - each.at < writeTimeoutMs);
      return { stands: next.posted ?? posted, leftToOthers: !last && others };
    }
  };

  /**
   * Brings Slack to what the facts say. The item is read before the facts: who wrote meanwhile makes `begin` fail, and
   * so nobody begins to write what is older than what another has begun to write.
   * @param thorough also where it seems to be shown: someone who began to write has not come back
   */
  const bring = async (delivery: string, thorough: boolean): Promise<void> => {
    for (let first = true; ; first = false) {
      const found = await read(delivery);
      const state = await stateOf(delivery);
      if (!state) return;
      const hash = hashState(state);
      const uncertain = thorough && first && found.writing.length > 0;
      if (found.posted && found.shown === hash && !uncertain) return;
      if (found.version === "absent") await expect(delivery);
      const number = await begin(delivery, found);
      if (number === undefined) continue;
      const posted = found.posted ?? (await channel.post(state));
      await channel.update(posted, state);
      const { stands, leftToOthers } = await end(delivery, number, posted, hash);
      // Two that posted at once made two messages: one stays, and the other must not keep its buttons.
      if (stands.ts !== posted.ts) await channel.retract(posted);
      // Whoever comes back last writes once for all: if each did, Slack's limit on edits would be used up.
      if (leftToOthers) return;
    }
  };

  const show = async (delivery: string, thorough = false): Promise<boolean> => {
    const about = { delivery };
    try {
      await bring(delivery, thorough);
      return true;
    } catch (fault) {
      warn(`the message of ${delivery} could not be shown in Slack; the sweep tries again`, fault, about);
      await expect(delivery).catch((lost: unknown) => warn("nor could that be noted", lost, about));
      return false;
    }
  };

  /** Whether the sweep need not look again: the delivery has ended, and Slack shows it for certain. */
  const settled = async ({ key: { sort: delivery }, value }: StoredItem): Promise<boolean> => {
    const state = await stateOf(delivery);
    if (!state) return clock() - PendingNote.parse(value).at > emptyNoteLifetimeMs;
    const { posted, shown, writing } = await read(delivery);
    return posted !== null && state.outcome !== null && shown === hashState(state) && writing.length === 0;
  };

  return {
    /** What the message of a delivery says by the facts; undefined where it has none. */
    state: stateOf,
    /** Where Slack has the message; null before it was posted. */
    posted: async (delivery: string) => (await read(delivery)).posted,
    /** Notes that a message is about to change, so that the sweep shows it where the one who changes it dies first. */
    expect,
    show: (delivery: string): Promise<boolean> => show(delivery),
    /** Shows again what Slack did not take before, or what nobody came to show. */
    showUnshown: async (): Promise<void> => {
      for (let after: string | undefined; ; ) {
        const page = await store.page({
          partition: pendingPartition,
          order: "ascending",
          limit: 100,
          ...(after ? { after } : {}),
        });
        for (const note of page.items) {
          if (!(await show(note.key.sort, true))) continue;
          // Only the note that was read: one written meanwhile is of a change that nobody has shown.
          if (await settled(note)) await store.remove(note.key, { expect: note.version });
        }
        if (!page.cursor) return;
        after = page.cursor;
      }
    },
  };
};
export type DeliveryMessages = ReturnType<typeof createDeliveryMessages>;
