import * as z from "zod";

/**
 * The form of an event's detail, the same in both worlds. A change that a subscriber could notice as more than a new
 * optional field gets a new number, and docs/events.md says how long both are sent.
 */
export const eventVersion = 1;

/** What every event says. Times are ISO 8601 in UTC. */
const about = {
  version: z.literal(eventVersion),
  /** Follows from the fact alone: an event that is delivered again has the same id, so that subscribers can drop it. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  /** When the fact was stored. */
  at: z.iso.datetime(),
  model: z.string(),
};
/** Events about one delivery, or a person's rollback. */
const aboutDelivery = {
  ...about,
  /** The name of the execution, or of a person's rollback. */
  delivery: z.string(),
  commit: z.string(),
};
/** The image and its version in the model registry. */
const artefact = {
  digest: z.string(),
  modelVersion: z.int().positive(),
};

/** One fact of a delivery or an environment, for everyone who subscribes. */
export const SlipwayEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("started"), ...aboutDelivery }),
  z.object({
    type: z.literal("waiting"),
    ...aboutDelivery,
    ...artefact,
    /** The id for `slipway approve`. */
    approval: z.string(),
    /** Slack's ids of those who may decide. */
    approvers: z.array(z.string()),
    /** The number of approvals that it needs. */
    quorum: z.int().positive(),
    expiresAt: z.iso.datetime(),
    /** Set where the question is about an inconclusive canary: its share of prod's traffic in percent. */
    canaryPercent: z.number().positive().max(100).nullable().optional(),
  }),
  z.object({
    type: z.literal("decided"),
    ...aboutDelivery,
    ...artefact,
    approval: z.string(),
    decision: z.enum(["approved", "rejected"]),
    /** Slack's ids of those who decided. */
    by: z.array(z.string()),
    /** A person's words, for a rejection. */
    reason: z.string().nullable(),
    /** Set where the question is about an inconclusive canary: its share of prod's traffic in percent. */
    canaryPercent: z.number().positive().max(100).nullable().optional(),
  }),
  z.object({
    type: z.literal("canary-step"),
    ...aboutDelivery,
    ...artefact,
    /** Its share of prod's traffic from now on, in percent. */
    percent: z.number().positive().max(100),
  }),
  z.object({
    type: z.literal("outcome"),
    ...aboutDelivery,
    outcome: z.enum(["promoted", "rejected", "expired", "superseded", "unchanged", "failed"]),
    /** The named error of a failed delivery: `statemachine/remedies.ts` lists names and remedies. */
    error: z.object({ name: z.string(), cause: z.string() }).nullable(),
    /** The person's rollback that ended the delivery, who and why; absent: none did. */
    rolledBackBy: z.string().optional(),
  }),
  z.object({
    type: z.literal("rolled-back"),
    ...aboutDelivery,
    environment: z.literal("prod"),
    /** The version that lost its traffic. */
    from: z.object(artefact).nullable(),
    /** The version that has all traffic again; null: the model had none before. */
    to: z.object(artefact).nullable(),
    /** Who and why, for a person's rollback; null: the delivery took back its own canary. */
    reason: z.string().nullable(),
  }),
  z.object({
    type: z.literal("configuration-drift"),
    ...about,
    environment: z.enum(["stage", "prod"]),
    /** The function version that serves by the ledger; null: none. */
    expected: z.string().nullable(),
    /** What the alias `live` has instead, as a phrase. */
    found: z.string(),
  }),
]);
export type SlipwayEvent = z.infer<typeof SlipwayEvent>;

/** EventBridge's `source` of every event. */
export const eventSource = "slipway";

/** EventBridge's `detail-type` of each type; rules and subscribers match on it. */
export const detailTypes = {
  started: "Delivery Started",
  waiting: "Approval Waiting",
  decided: "Approval Decided",
  "canary-step": "Canary Step",
  outcome: "Delivery Outcome",
  "rolled-back": "Rolled Back",
  "configuration-drift": "Configuration Drift",
} as const satisfies Record<SlipwayEvent["type"], string>;

/**
 * Hands events to subscribers, at least once and in no particular order. An event that was handed over twice has the
 * same id.
 */
export interface Events {
  /**
   * Returns the events that were not accepted, with the reason; the caller publishes them again later. Throws
   * TemporaryFault where none was. At most 100 events.
   */
  publish(events: readonly SlipwayEvent[]): Promise<readonly RefusedEvent[]>;
}

export type RefusedEvent = { readonly id: string; readonly why: string };
