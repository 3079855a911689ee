import pMap from "p-map";
import type { CanaryFacts } from "#domain/canary/canary-facts.ts";
import { createCanaryFactsReader } from "#domain/canary/read-canary-facts.ts";
import { createFreezes } from "#domain/changes/freezes.ts";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import type { Metrics } from "#platform/metrics/metrics.ts";
import type { Store } from "#platform/store/store.ts";
import type { DeliveryRecord } from "./delivery-record.ts";
import type { DeliveryFilter, DeliveryPage } from "./delivery-summary.ts";
import { listDeliveries } from "./list-deliveries.ts";
import type { ModelDetails } from "./model-details.ts";
import type { ModelSummary } from "./model-summary.ts";
import { findModelOfDelivery, readDelivery } from "./read-delivery.ts";
import { createHealthReader } from "./read-health.ts";
import { readHolders } from "./read-holders.ts";
import { readModel } from "./read-model.ts";
import { summarizeModel } from "./summarize-model.ts";

export type OverviewNeeds = {
  readonly store: Store;
  readonly deliveries: Pick<Deliveries, "describe" | "history">;
  /** What the functions on prod measured; absent: this world does not say. */
  readonly metrics?: Pick<Metrics, "statistics" | "hourlyCalls">;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** How long an answer of `metrics` is kept, in milliseconds. */
  readonly keepMetricsMs: number;
  /** How long canaries bake here, where it is not what their manifests say. */
  readonly bakeSeconds?: number;
};

const pageSize = 50;
/** Models that are read at the same time. */
const concurrency = 10;

/** Everything that people read about models and deliveries, from capabilities that both worlds have. It writes nothing. */
export const createOverview = (needs: OverviewNeeds) => {
  const { store, deliveries, metrics, clock } = needs;
  const freezes = createFreezes({ store, clock });
  const list = listDeliveries({ store, clock });
  const readHealth = createHealthReader({ metrics, clock, keepMs: needs.keepMetricsMs });
  const summarize = summarizeModel({ store, clock, readHealth, list });
  const read = readModel({ store, deliveries, metrics, clock, list });
  return {
    readHome: async (): Promise<readonly ModelSummary[]> => {
      const [holders, inForce] = await Promise.all([readHolders({ store }), freezes.list()]);
      return pMap([...holders], ([model, held]) => summarize(model, held, inForce), { concurrency });
    },
    listModels: async (): Promise<readonly string[]> => [...(await readHolders({ store })).keys()],
    readModel: async (model: string): Promise<ModelDetails | undefined> => {
      const holders = (await readHolders({ store })).get(model);
      return holders && read(await summarize(model, holders, await freezes.ofModel(model)));
    },
    listDeliveries: (filter: DeliveryFilter): Promise<DeliveryPage> => list(filter, pageSize),
    readDelivery: (model: string, delivery: string): Promise<DeliveryRecord | undefined> =>
      readDelivery({ store, deliveries, clock, bakeSeconds: needs.bakeSeconds ?? null })(model, delivery),
    readCanary: (model: string, delivery: string): Promise<CanaryFacts | undefined> =>
      createCanaryFactsReader({ store, clock })(model, delivery),
    findModel: findModelOfDelivery({ store, deliveries }),
  };
};
