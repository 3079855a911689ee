import { type CanaryOrderRecord, listOrders } from "#domain/canary/canary-control.ts";
import type { MessageFacts } from "./message-state.ts";

/** What the thread says about an order of a person: `until` for a hold, `reason` for a hold and an abort. */
export type CanaryOrderSays = {
  readonly kind: "order";
  readonly order: CanaryOrderRecord["kind"];
  readonly by: string;
  readonly until: number | null;
  readonly reason: string | null;
};

/** One reply for each order about the canary, oldest first; its id is equal for the same order. */
export const deriveCanaryReplies = ({
  control,
}: Pick<MessageFacts, "control">): readonly { readonly id: string; readonly says: CanaryOrderSays }[] =>
  (control ? listOrders(control) : []).map(({ kind, by, at, until, reason }) => ({
    id: `${kind} ${at}`,
    says: { kind: "order", order: kind, by, until, reason },
  }));
