import type { Message, View } from "./desk-state.ts";

export type DeskEvent =
  | { readonly type: "message"; readonly message: Message }
  | { readonly type: "removed"; readonly ts: string }
  | { readonly type: "view"; readonly view: View };

/** Sends changes to all open pages. */
export const createEventBus = () => {
  const listeners = new Set<(event: DeskEvent) => void>();
  return {
    emit(event: DeskEvent): void {
      for (const listener of listeners) listener(event);
    },
    listen(listener: (event: DeskEvent) => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};
export type EventBus = ReturnType<typeof createEventBus>;
