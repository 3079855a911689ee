import { createApprovalReader } from "#domain/approval/approval-records.ts";
import { createCanaries } from "#domain/canary/canaries.ts";
import { listOrders } from "#domain/canary/canary-control.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger, type Deployment } from "#domain/ledger/ledger.ts";
import { PolicyEntry, policyKeys } from "#domain/policy/platform-policy.ts";
import { readPages, type Store } from "#platform/store/store.ts";
import type { DeliveryFacts } from "./derive-audit-facts.ts";
import { readClosure } from "./read-closure.ts";

/** Reads what is stored about a delivery or a person's rollback; `model` is undefined where nothing is. */
export const readDeliveryFacts = ({
  store,
  clock,
}: {
  readonly store: Store;
  readonly clock: () => number;
}) => {
  const approvals = createApprovalReader({ store });
  const outcomes = createOutcomes({ store });
  const ledger = createLedger({ store });
  const canaries = createCanaries({ store, clock });

  const findBefore = async (model: string, deployment: Deployment): Promise<Deployment | undefined> => {
    const { takesBack, previous, sequence, reason } = deployment;
    if (takesBack !== null) return ledger.ofDelivery("prod", model, takesBack);
    // A rollback that takes back no promotion ended a canary, which began just before it.
    const before = reason === null ? previous : sequence - 1;
    return before > 0 ? ledger.at("prod", model, before) : undefined;
  };

  /** Newest first, down to the one that was in force then. */
  const listPolicies = async (since: number): Promise<readonly PolicyEntry[]> => {
    const policies: PolicyEntry[] = [];
    const query = { partition: policyKeys.ledger, order: "descending", limit: 10 } as const;
    for await (const items of readPages(store, query))
      for (const { value } of items) {
        const policy = PolicyEntry.parse(value);
        policies.push(policy);
        if (policy.at <= since) return policies;
      }
    return policies;
  };

  return async (
    delivery: string,
    /** Where the delivery alone does not say it: a person's rollback has neither question nor outcome. */
    known?: { readonly model: string; readonly deployment: Deployment },
  ): Promise<DeliveryFacts & { readonly model: string | undefined }> => {
    const ended = await outcomes.read(delivery);
    const questions = await approvals.ofDelivery(delivery);
    const model = known?.model ?? questions.at(-1)?.model ?? ended?.model;
    const deployment =
      known?.deployment ??
      (model === undefined ? undefined : await ledger.ofDelivery("prod", model, delivery));
    return {
      delivery,
      model,
      questions,
      ended,
      deployment,
      orders: deployment?.shares.length ? listOrders(await canaries.read(delivery)) : [],
      before: model !== undefined && deployment ? await findBefore(model, deployment) : undefined,
      policies: questions[0] ? await listPolicies(questions[0].askedAt) : [],
      now: clock(),
      closure: questions.length === 0 ? null : await readClosure({ store })(delivery),
    };
  };
};
