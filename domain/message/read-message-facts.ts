import { createApprovalReader } from "#domain/approval/approval-records.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import type { Store } from "#platform/store/store.ts";
import type { MessageFacts } from "./message-state.ts";

/** Reads what is stored about a delivery: its questions, its deployment on prod, rollbacks of it, and its end. */
export const readMessageFacts = ({ store, clock }: { store: Store; clock: () => number }) => {
  const records = createApprovalReader({ store });
  const endings = createOutcomes({ store });
  const account = createLedger({ store });
  const rights = createClaims({ store });
  return async (delivery: string): Promise<MessageFacts> => {
    const ended = await endings.read(delivery);
    const questions = await records.ofDelivery(delivery);
    const model = questions.at(-1)?.model ?? ended?.model;
    const unknown = { delivery, questions, ended, deployment: undefined, serving: undefined };
    if (model === undefined) return { ...unknown, rolledBack: undefined, now: clock() };
    const deployment = await account.ofDelivery("prod", model, delivery);
    const takenBack =
      deployment?.status === "promoted" ? await account.takenBackBy("prod", model, delivery) : undefined;
    const interrupted =
      deployment?.status === "promoted" ? [] : ((await rights.read("prod", model))?.interrupted ?? []);
    const interruption = interrupted.findLast((each) => each.delivery === delivery);
    return {
      delivery,
      questions,
      ended,
      deployment,
      serving: await account.serving("prod", model),
      rolledBack: takenBack
        ? { kind: "taken back", by: takenBack.reason ?? "" }
        : interruption && { kind: "interrupted", by: interruption.by },
      now: clock(),
    };
  };
};
