import pMap from "p-map";
import * as z from "zod";
import { createApprovalReader } from "#domain/approval/approval-records.ts";
import { Comparison } from "#domain/gates/comparison.ts";
import { createLedger, type Deployment } from "#domain/ledger/ledger.ts";
import { listRollbackWindow } from "#domain/ledger/list-rollback-window.ts";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import { hourMs, type Metrics } from "#platform/metrics/metrics.ts";
import type { Store } from "#platform/store/store.ts";
import type { ListDeliveries } from "./list-deliveries.ts";
import type { ModelDetails, VersionDetails } from "./model-details.ts";
import type { ModelSummary } from "./model-summary.ts";

const shownVersions = 16;
const shownEntries = 20;
const shownDeliveries = 10;
const shownHours = 48;
/** Histories that are read for versions about which nobody was asked, because their gates failed: each is a large answer. */
const histories = 6;

const Measured = z.object({
  VerifyStage: z
    .object({ comparisons: z.array(Comparison).catch([]) })
    .optional()
    .catch(undefined),
});

/** What a model's page shows. */
export const readModel = ({
  store,
  deliveries,
  metrics,
  clock,
  list,
}: {
  readonly store: Store;
  readonly deliveries: Pick<Deliveries, "history">;
  readonly metrics: Pick<Metrics, "hourlyCalls"> | undefined;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly list: ListDeliveries;
}) => {
  const ledger = createLedger({ store });
  const approvals = createApprovalReader({ store });

  /** From the engine: for a version that no approver was asked about. */
  const readMeasured = async (delivery: string): Promise<readonly Comparison[]> => {
    try {
      const history = await deliveries.history(delivery);
      const event = history.findLast(({ state, output }) => state === "VerifyStage" && output !== undefined);
      return Measured.safeParse(event?.output).data?.VerifyStage?.comparisons ?? [];
    } catch {
      // The engine may be out of reach, or no longer keep it: the version is shown without its measurements.
      return [];
    }
  };

  const findState = (
    { version, delivery }: Deployment,
    { prod, canary, lastDelivery }: ModelSummary,
    onProd: readonly Deployment[],
  ): VersionDetails["state"] => {
    if (canary?.version === version) return "canary";
    if (prod?.version === version) return "serving";
    if (onProd.some((entry) => entry.version === version && entry.promotedAt !== null)) return "served";
    return lastDelivery?.delivery === delivery && lastDelivery.outcome === null ? "on stage" : "not promoted";
  };

  const readVersions = async (summary: ModelSummary, onProd: readonly Deployment[]) => {
    const entries = await ledger.entries("stage", summary.model, shownVersions);
    const newest = entries.filter(
      ({ version }, index) => entries.findIndex((entry) => entry.version === version) === index,
    );
    const asked = await pMap(
      newest,
      async (entry) => ({
        entry,
        evidence: (await approvals.ofDelivery(entry.delivery)).find(({ canary }) => canary === null)
          ?.evidence,
      }),
      { concurrency: 8 },
    );
    const unasked = asked.filter(({ evidence }) => evidence === undefined).slice(0, histories);
    const measured = new Map(
      await pMap(
        unasked,
        async ({ entry }) => [entry.delivery, await readMeasured(entry.delivery)] as const,
        { concurrency: 3 },
      ),
    );
    const versions = asked.map(
      ({ entry, evidence }): VersionDetails => ({
        version: entry.version,
        delivery: entry.delivery,
        commit: entry.commit,
        digest: entry.digest,
        at: entry.startedAt,
        subject: evidence?.subject ?? null,
        state: findState(entry, summary, onProd),
        comparisons: evidence?.comparisons ?? measured.get(entry.delivery) ?? [],
      }),
    );
    return { versions, owner: asked.find(({ evidence }) => evidence?.owner)?.evidence?.owner ?? null };
  };

  const readCalls = async (model: string): Promise<ModelDetails["hourlyCalls"]> => {
    if (!metrics) return null;
    // The hour that has begun counts too.
    const to = (Math.floor(clock() / hourMs) + 1) * hourMs;
    try {
      return { to, calls: await metrics.hourlyCalls({ environment: "prod", model, to, hours: shownHours }) };
    } catch {
      // As with its health: the page is better without this chart than not at all.
      return null;
    }
  };

  return async (summary: ModelSummary): Promise<ModelDetails> => {
    const { model } = summary;
    const [onProd, window, hourlyCalls, page] = await Promise.all([
      ledger.entries("prod", model, shownEntries),
      listRollbackWindow(ledger)(model),
      readCalls(model),
      list({ model }, shownDeliveries),
    ]);
    const [, before] = window;
    return {
      summary,
      ...(await readVersions(summary, onProd)),
      ledger: onProd,
      rollbackTo: before
        ? { version: before.version, digest: before.digest, delivery: before.delivery }
        : null,
      hourlyCalls,
      deliveries: page.deliveries,
    };
  };
};
