import type { MessageChannel } from "#domain/message/delivery-messages.ts";
import type { Reply } from "#domain/message/derive-replies.ts";
import type { MessageState } from "#domain/message/message-state.ts";

/** A channel that records its messages; `down` makes it fail. */
export const fakeChannel = () => {
  const shown = new Map<string, MessageState>();
  const replies: Reply[] = [];
  const state = { down: false, posts: 0, updates: 0 };
  const assertUp = () => {
    if (state.down) throw new Error("Slack is down");
  };
  const channel: MessageChannel = {
    post: async (view) => {
      assertUp();
      const existing = [...shown].find(([, each]) => each.delivery === view.delivery)?.[0];
      if (existing === undefined) state.posts++;
      const ts = existing ?? `ts-${state.posts}`;
      if (existing === undefined) shown.set(ts, view);
      return { channel: "C0DELIVERY", ts, isNew: existing === undefined };
    },
    update: async ({ ts }, view) => {
      assertUp();
      state.updates++;
      shown.set(ts, view);
    },
    isThere: async ({ ts }) => {
      assertUp();
      return shown.has(ts);
    },
    reply: async (_, reply) => {
      assertUp();
      replies.push(reply);
    },
    retract: async ({ ts }) => {
      assertUp();
      shown.delete(ts);
    },
  };
  return { channel, shown, replies, state };
};
