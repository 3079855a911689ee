import { createApprovalReader } from "#domain/approval/approval-records.ts";
import { findPresentClosure } from "#domain/changes/find-present-closure.ts";
import type { Freeze } from "#domain/changes/freezes.ts";
import { createLedger, type Deployment } from "#domain/ledger/ledger.ts";
import type { Store } from "#platform/store/store.ts";
import type { DeliverySummary } from "./delivery-summary.ts";
import type { ListDeliveries } from "./list-deliveries.ts";
import type { ModelSummary, NeededAction, ServedVersion } from "./model-summary.ts";
import type { ReadHealth } from "./read-health.ts";
import type { Holders } from "./read-holders.ts";
import { toShownApproval } from "./shown-approval.ts";

const toServedVersion = ({ version, digest, commit, delivery, ...entry }: Deployment): ServedVersion => ({
  version,
  digest,
  commit,
  delivery,
  since: entry.promotedAt ?? entry.shares[0]?.from ?? entry.startedAt,
});

/** What serves a model, how it is, and what it needs from people. */
export const summarizeModel = ({
  store,
  clock,
  readHealth,
  list,
}: {
  readonly store: Store;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly readHealth: ReadHealth;
  readonly list: ListDeliveries;
}) => {
  const ledger = createLedger({ store });
  const approvals = createApprovalReader({ store });

  const readProd = async (model: string) => {
    const entries = await ledger.sinceServing("prod", model);
    const serving = entries.find(({ status }) => status === "promoted");
    const [newest] = entries;
    const canary =
      newest && (newest.status === "canary" || newest.status === "promoting") ? newest : undefined;
    return { serving, canary };
  };

  /** Stage follows what prod promoted last, except while a delivery has it. */
  const readStage = async (
    model: string,
    holder: string | null,
    serving: Deployment | undefined,
  ): Promise<Deployment | undefined> => {
    const held = holder === null ? undefined : await ledger.ofDelivery("stage", model, holder);
    return held && held.status !== "ended" ? held : serving;
  };

  const listActions = async (
    holders: Holders,
    lastDelivery: DeliverySummary | undefined,
  ): Promise<readonly NeededAction[]> => {
    const now = clock();
    const running = [...new Set([holders.prod, holders.stage])].filter((holder) => holder !== null);
    const questions = await Promise.all(
      running.map(async (delivery) => (await approvals.ofDelivery(delivery)).at(-1)),
    );
    return [
      ...questions.flatMap((question): NeededAction[] =>
        question?.state.status === "pending" && now < question.expiresAt
          ? [{ kind: "decide", question: toShownApproval(question) }]
          : [],
      ),
      ...(lastDelivery?.outcome === "failed" ? [{ kind: "failed", delivery: lastDelivery } as const] : []),
      ...(lastDelivery?.outcome === "expired" ? [{ kind: "expired", delivery: lastDelivery } as const] : []),
    ];
  };

  /** @param freezes those in force, of all models */
  return async (model: string, holders: Holders, freezes: readonly Freeze[]): Promise<ModelSummary> => {
    const [{ serving, canary }, { deliveries }] = await Promise.all([readProd(model), list({ model }, 1)]);
    const [lastDelivery] = deliveries;
    const [stage, health, actions] = await Promise.all([
      readStage(model, holders.stage, serving),
      readHealth(model, serving?.functionVersion),
      listActions(holders, lastDelivery),
    ]);
    return {
      model,
      stage: stage ? toServedVersion(stage) : null,
      prod: serving ? toServedVersion(serving) : null,
      canary: canary ? { ...toServedVersion(canary), percent: canary.shares.at(-1)?.percent ?? 0 } : null,
      health,
      lastDelivery: lastDelivery ?? null,
      closed:
        findPresentClosure({ model, hold: undefined, freezes, breakGlass: null, now: clock() }) ??
        lastDelivery?.closed ??
        null,
      actions,
    };
  };
};
