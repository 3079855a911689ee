import type { CanaryFacts } from "#domain/canary/canary-facts.ts";
import type { DeliveryRecord } from "#domain/overview/delivery-record.ts";
import type { DeliveryFilter, DeliveryPage } from "#domain/overview/delivery-summary.ts";
import type { ModelDetails } from "#domain/overview/model-details.ts";
import type { ModelSummary } from "#domain/overview/model-summary.ts";
import type { AuditTrail } from "./audit/audit-trail.ts";

/** What the pages read: plain data without methods, `Map`s or `Date`s. Undefined: there is none of this name. */
export type ConsoleSource = {
  readonly readHome: () => Promise<readonly ModelSummary[]>;
  /** Names of the models, sorted. */
  readonly listModels: () => Promise<readonly string[]>;
  readonly readModel: (model: string) => Promise<ModelDetails | undefined>;
  readonly listDeliveries: (filter: DeliveryFilter) => Promise<DeliveryPage>;
  readonly readDelivery: (model: string, delivery: string) => Promise<DeliveryRecord | undefined>;
  /** Undefined too where the delivery has no canary. */
  readonly readCanary?: (model: string, delivery: string) => Promise<CanaryFacts | undefined>;
  /** The model of a delivery whose name alone is known, as in a link of an older message. */
  readonly findModel: (delivery: string) => Promise<string | undefined>;
  /** Absent: no page links to it. */
  readonly readAudit?: (model: string) => Promise<AuditTrail | undefined>;
};
