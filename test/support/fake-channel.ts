import type { MessageChannel } from "#domain/message/delivery-messages.ts";
import type { MessageState } from "#domain/message/message-state.ts";

/** A channel that records its messages; `down` makes it fail. */
export const fakeChannel = () => {
  const shown = new Map<string, MessageState>();
  const state = { down: false, posts: 0 };
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
      return { channel: "C0DELIVERY", ts };
    },
    update: async ({ ts }, view) => {
      assertUp();
      shown.set(ts, view);
    },
    retract: async ({ ts }) => {
      assertUp();
      shown.delete(ts);
    },
  };
  return { channel, shown, state };
};
