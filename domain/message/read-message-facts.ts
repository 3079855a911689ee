import { createApprovalReader } from "#domain/approval/approval-records.ts";
import { AuditPlace, auditKeys } from "#domain/audit/audit-entry.ts";
import { toDecisionFact } from "#domain/audit/derive-audit-facts.ts";
import { createCanaries } from "#domain/canary/canaries.ts";
import { createHolds } from "#domain/changes/holds.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createDeliveryPeople, type DeliveryPeople } from "#domain/delivery/delivery-people.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger, type Deployment } from "#domain/ledger/ledger.ts";
import type { Store } from "#platform/store/store.ts";
import type { MessageFacts } from "./message-state.ts";

export const readMessageFacts = ({ store, clock }: { store: Store; clock: () => number }) => {
  const approvals = createApprovalReader({ store });
  const outcomes = createOutcomes({ store });
  const ledger = createLedger({ store });
  const claims = createClaims({ store });
  const holds = createHolds({ store });
  const deliveryPeople = createDeliveryPeople({ store, clock });
  /** Where the audit trail has the newest decision; undefined: not yet, or the decision is older than the trail. */
  const findAuditPlace = async (questions: MessageFacts["questions"]): Promise<AuditPlace | undefined> => {
    const decided = questions.findLast(({ state }) => state.status === "decided" || state.status === "sent");
    if (!decided) return undefined;
    const { model, delivery, id } = decided;
    const item = await store.get(auditKeys.fact(model, { delivery, fact: toDecisionFact(id) }));
    return item && AuditPlace.parse(item.value);
  };
  const canaries = createCanaries({ store, clock });
  /** A manifest that nobody can read names no owner: then the owner of what prod serves is told. */
  const findPeople = async (delivery: string, serving: Deployment | undefined): Promise<DeliveryPeople> => {
    const people = (await deliveryPeople.read(delivery)) ?? { author: null, owner: null };
    if (people.owner !== null || serving === undefined) return people;
    const brought = await ledger.deliveryOf(serving);
    if (brought === undefined) return people;
    const owner = (await approvals.ofDelivery(brought)).at(-1)?.evidence.owner ?? null;
    return { ...people, owner };
  };
  return async (delivery: string): Promise<MessageFacts> => {
    const ended = await outcomes.read(delivery);
    const questions = await approvals.ofDelivery(delivery);
    const model = questions.at(-1)?.model ?? ended?.model;
    const unknown = {
      delivery,
      questions,
      ended,
      deployment: undefined,
      serving: undefined,
      hold: undefined,
    };
    if (model === undefined) return { ...unknown, rolledBack: undefined, now: clock() };
    const deployment = await ledger.ofDelivery("prod", model, delivery);
    const serving = await ledger.serving("prod", model);
    const takenBack =
      deployment?.status === "promoted" ? await ledger.takenBackBy("prod", model, delivery) : undefined;
    const interrupted =
      deployment?.status === "promoted" ? [] : ((await claims.read("prod", model))?.interrupted ?? []);
    const interruption = interrupted.findLast((entry) => entry.delivery === delivery);
    return {
      delivery,
      questions,
      ended,
      deployment,
      audit: await findAuditPlace(questions),
      control: deployment?.shares.length ? await canaries.read(delivery) : undefined,
      serving,
      ...(questions.length === 0 && ended?.outcome === "failed"
        ? { people: await findPeople(delivery, serving) }
        : {}),
      hold: questions.length === 0 ? undefined : await holds.read(delivery),
      rolledBack: takenBack
        ? { kind: "taken back", by: takenBack.reason ?? "" }
        : interruption && { kind: "interrupted", by: interruption.by },
      now: clock(),
    };
  };
};
