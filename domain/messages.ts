import * as z from "zod";
import type { Store } from "../platform/store/store.ts";
import { Check, Outcome, Provenance } from "../statemachine/contracts.ts";
import type { Warn } from "./warn.ts";

const Person = z.object({ user: z.string(), name: z.string() });

/** All that the one Slack message of a delivery shows, through its whole life. */
export const MessageView = z.object({
  delivery: z.string(),
  model: z.string(),
  commit: z.string(),
  author: z.string(),
  version: z.int().nullable(),
  digest: z.string().nullable(),
  /** How the image was built, as verified; null where nothing was. */
  provenance: Provenance.nullable().default(null),
  /** What prod serves while the question stands; null: nothing yet. */
  baseline: z.string().nullable(),
  /** Rules and yardsticks that this very commit changes: the first line. */
  changed: z.array(z.string()),
  checks: z.array(Check),
  omitted: z.array(z.object({ name: z.string(), why: z.string() })),
  question: z
    .discriminatedUnion("status", [
      z.object({
        status: z.literal("open"),
        approval: z.string(),
        expiresAt: z.int(),
        votes: z.int(),
        quorum: z.int(),
        approvers: z.array(z.string()),
      }),
      z.object({ status: z.literal("approved"), by: z.array(Person) }),
      z.object({ status: z.literal("rejected"), by: z.array(Person), reason: z.string().nullable() }),
      z.object({ status: z.literal("expired") }),
      z.object({ status: z.literal("withdrawn"), why: z.string() }),
    ])
    .nullable(),
  /** What happens on prod right now, in a sentence. */
  progress: z.string().nullable(),
  outcome: Outcome.nullable(),
  error: z.object({ name: z.string(), cause: z.string() }).nullable(),
});
export type MessageView = z.infer<typeof MessageView>;

const Item = z.object({
  view: MessageView,
  /** Where Slack has it; null until it was posted. */
  posted: z.object({ channel: z.string(), ts: z.string() }).nullable(),
});

/** What posting needs of Slack; @slack/web-api behind it on both worlds. */
export type Channel = {
  /** Posts, or finds what an interrupted post of the same delivery left there. */
  post(view: MessageView): Promise<{ channel: string; ts: string }>;
  update(posted: { channel: string; ts: string }, view: MessageView): Promise<void>;
};

const key = (delivery: string) => ({ partition: "messages", sort: delivery });
/** Deliveries whose message Slack did not take, for the sweep. */
const unshown = "messages-unshown";
const keptSeconds = 400 * 86_400;

/**
 * One message per delivery, edited in place to its end. The view is stored before Slack is told, so a message that
 * Slack did not take is put right by the next change or by the sweep.
 */
export const messages = ({
  store,
  channel,
  clock,
  warn,
}: {
  store: Store;
  channel: Channel;
  clock: () => number;
  warn: Warn;
}) => {
  const read = async (delivery: string) => {
    const item = await store.get(key(delivery));
    return item && { ...Item.parse(item.value), version: item.version };
  };
  const write = (item: z.infer<typeof Item>, expect: number | "absent") =>
    store.put(key(item.view.delivery), item, { expect, expiresAt: Math.floor(clock() / 1000) + keptSeconds });

  /** Brings Slack to what the store says. False: Slack could not be reached. */
  const show = async (delivery: string): Promise<boolean> => {
    try {
      for (;;) {
        const found = await read(delivery);
        if (!found) return true;
        if (!found.posted) {
          await write({ view: found.view, posted: await channel.post(found.view) }, found.version);
          continue;
        }
        await channel.update(found.posted, found.view);
        // Someone changed the view meanwhile, and Slack may have heard the two in the wrong order: tell it again.
        if ((await read(delivery))?.version === found.version) return true;
      }
    } catch (fault) {
      warn(`the message of ${delivery} could not be shown in Slack; the sweep tries again`, fault, {
        delivery,
      });
      await store.put({ partition: unshown, sort: delivery }, {});
      return false;
    }
  };

  return {
    read: async (delivery: string) => (await read(delivery))?.view,
    /** Where Slack has the message; null before it was posted. */
    posted: async (delivery: string) => (await read(delivery))?.posted ?? null,
    show,
    /** Shows again what Slack did not take before. */
    showUnshown: async (): Promise<void> => {
      const { items } = await store.page({ partition: unshown, order: "ascending", limit: 100 });
      // Only the note that was read: one written meanwhile is of a change that Slack did not take.
      for (const { key: left, version } of items)
        if (await show(left.sort)) await store.remove(left, { expect: version });
    },
    /** Creates the message from `first`, or changes the one that stands, and shows it. */
    put: async (first: MessageView, change: (view: MessageView) => MessageView): Promise<boolean> => {
      for (;;) {
        const found = await read(first.delivery);
        const item = { view: change(found?.view ?? first), posted: found?.posted ?? null };
        if ((await write(item, found?.version ?? "absent")).written) return show(first.delivery);
      }
    },
    /** Changes a message that was created before; nothing where there is none. */
    change: async (delivery: string, change: (view: MessageView) => MessageView): Promise<boolean> => {
      for (;;) {
        const found = await read(delivery);
        if (!found) return true;
        const item = { view: change(found.view), posted: found.posted };
        if ((await write(item, found.version)).written) return show(delivery);
      }
    },
  };
};
export type Messages = ReturnType<typeof messages>;
