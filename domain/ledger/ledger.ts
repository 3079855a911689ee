import * as z from "zod";
import { BreakGlass } from "#domain/approval/break-glass.ts";
import { CanaryOrderRecord } from "#domain/canary/canary-control.ts";
import { createEvent, toPublicText } from "#domain/events/create-event.ts";
import { toOutboxItems } from "#domain/events/to-outbox-items.ts";
import { Check } from "#domain/gates/verdict.ts";
import type { SlipwayEvent } from "#platform/events/events.ts";
import { type Environment, environments } from "#platform/serving/serving.ts";
import { readPages, type Store } from "#platform/store/store.ts";

/** What served which share of an environment from when. */
export const Deployment = z.object({
  sequence: z.int().positive(),
  environment: z.enum(["stage", "prod"]),
  model: z.string(),
  /** The delivery or the person's rollback that created it. */
  delivery: z.string(),
  commit: z.string(),
  digest: z.string(),
  /** Registry version. */
  version: z.int().positive(),
  functionVersion: z.string(),
  fence: z.int().positive(),
  /** `promoted` is the commit point; `ended`: stopped before it. */
  status: z.enum(["deployed", "canary", "promoting", "promoted", "ended"]),
  /** Share of the traffic in percent, from when (epoch milliseconds). */
  shares: z.array(z.object({ percent: z.number(), from: z.int() })),
  startedAt: z.int(),
  promotedAt: z.int().nullable(),
  /** Sequence of the deployment that a rollback restores; 0: none. */
  previous: z.int().min(0),
  /** Whether the registry's aliases have been moved to this promotion. */
  championMoved: z.boolean(),
  /** Slack users who approved this promotion; empty for a rollback. */
  approvedBy: z.array(z.string()).default([]),
  /** Builder in the verified provenance; null: deployed before provenance existed. */
  builder: z.string().nullable().default(null),
  /** Who and why, for a person's rollback. */
  reason: z.string().nullable(),
  /** Last checks of the canary. */
  checks: z.array(Check).default([]),
  /** Steps of the canary that people let go on without a verdict. */
  acceptedSteps: z
    .array(z.object({ percent: z.number(), approval: z.string(), by: z.array(z.string()), at: z.int() }))
    .default([]),
  /** Who let it change prod although prod was closed, and why; absent: nobody. */
  breakGlass: BreakGlass.optional(),
  /** What people ordered about its canary, as far as a round has carried it out. */
  orders: z.array(CanaryOrderRecord).default([]),
  /** The delivery or rollback whose promotion this rollback takes back; null: not a rollback. */
  takesBack: z.string().nullable().default(null),
  /** When the delivery's own rollback had taken back its traffic on prod (epoch milliseconds); null: it did not. */
  takenBackAt: z.int().nullable().default(null),
});
export type Deployment = z.infer<typeof Deployment>;

type NewDeployment = Pick<
  Deployment,
  | "environment"
  | "model"
  | "delivery"
  | "commit"
  | "digest"
  | "version"
  | "functionVersion"
  | "fence"
  | "previous"
  | "reason"
> &
  Partial<Pick<Deployment, "builder" | "takesBack" | "breakGlass">>;

const toEntryKey = (environment: Environment, model: string, sequence: number) => ({
  partition: `ledger#${environment}#${model}`,
  sort: String(sequence).padStart(10, "0"),
});

/**
 * The append-only record of every environment. An environment serves the deployment that was promoted last. Rollbacks only
 * need the ledger, never the registry.
 */
export const createLedger = ({ store }: { store: Store }) => {
  async function* newestFirst(environment: Environment, model: string) {
    const { partition } = toEntryKey(environment, model, 0);
    for await (const items of readPages(store, { partition, order: "descending", limit: 25 }))
      for (const item of items) yield Deployment.parse(item.value);
  }

  const find = async (
    environment: Environment,
    model: string,
    matches: (deployment: Deployment) => boolean,
  ) => {
    for await (const deployment of newestFirst(environment, model))
      if (matches(deployment)) return deployment;
    return undefined;
  };

  const at = async (
    environment: Environment,
    model: string,
    sequence: number,
  ): Promise<Deployment | undefined> => {
    const item = await store.get(toEntryKey(environment, model, sequence));
    return item && Deployment.parse(item.value);
  };
  const ofDelivery = (environment: Environment, model: string, delivery: string) =>
    find(environment, model, (deployment) => deployment.delivery === delivery);

  /** Applies a pure function to one deployment and retries lost races. `undefined` leaves the deployment unchanged. */
  const change = async (
    { environment, model, sequence }: Pick<Deployment, "environment" | "model" | "sequence">,
    next: (current: Deployment) => Deployment | undefined,
  ): Promise<Deployment> => {
    for (;;) {
      const item = await store.get(toEntryKey(environment, model, sequence));
      if (!item) throw new Error(`the ledger of ${environment}/${model} has no entry ${sequence}`);
      const current = Deployment.parse(item.value);
      const changed = next(current);
      if (!changed) return current;
      const events = await describeChange({ at, ofDelivery })(current, changed);
      const put = await store.put(toEntryKey(environment, model, sequence), changed, {
        expect: item.version,
        ...toOutboxItems(...events),
      });
      if (put.written) return changed;
    }
  };

  return {
    /** What the environment serves: the deployment that was promoted last. */
    serving: (environment: Environment, model: string) =>
      find(environment, model, (deployment) => deployment.status === "promoted"),
    /** What was deployed since the last promotion, and last that promotion, which the environment serves; newest first. */
    sinceServing: async (environment: Environment, model: string): Promise<readonly Deployment[]> => {
      const entries: Deployment[] = [];
      for await (const deployment of newestFirst(environment, model)) {
        entries.push(deployment);
        if (deployment.status === "promoted") break;
      }
      return entries;
    },
    ofDelivery,
    /** The rollback that took back the promotion of this delivery or rollback, if there is one. */
    takenBackBy: (environment: Environment, model: string, delivery: string) =>
      find(
        environment,
        model,
        (entry) =>
          entry.delivery === delivery || (entry.takesBack === delivery && entry.status === "promoted"),
      ).then((entry) => (entry?.takesBack === delivery ? entry : undefined)),
    /** The newest deployment of this image and registry version. */
    ofImage: (environment: Environment, model: string, digest: string, version: number) =>
      find(environment, model, (entry) => entry.digest === digest && entry.version === version),
    /** The delivery that brought what serves: a rollback has an entry of its own, but no approval. Undefined: none did. */
    deliveryOf: async ({
      environment,
      model,
      digest,
      version,
      ...serving
    }: Pick<Deployment, "environment" | "model" | "digest" | "version" | "delivery" | "reason">): Promise<
      string | undefined
    > =>
      serving.reason === null
        ? serving.delivery
        : (
            await find(
              environment,
              model,
              (entry) => entry.reason === null && entry.digest === digest && entry.version === version,
            )
          )?.delivery,
    at,

    /** Creates the deployment of a delivery, or finds it. */
    begin: async (deployment: NewDeployment, now: number): Promise<Deployment> => {
      const { environment, model, delivery } = deployment;
      for (;;) {
        let newest = 0;
        for await (const entry of newestFirst(environment, model)) {
          newest = Math.max(newest, entry.sequence);
          if (entry.delivery === delivery) return entry;
        }
        const entry: Deployment = {
          builder: null,
          takesBack: null,
          takenBackAt: null,
          ...deployment,
          sequence: newest + 1,
          status: "deployed",
          shares: [],
          startedAt: now,
          promotedAt: null,
          championMoved: false,
          approvedBy: [],
          checks: [],
          acceptedSteps: [],
          orders: [],
        };
        const put = await store.put(toEntryKey(environment, model, entry.sequence), entry, {
          expect: "absent",
        });
        if (put.written) return entry;
      }
    },

    change,

    /** Ends every deployment of a model. The record stays, but nothing serves any more. */
    retire: async (model: string, now: number): Promise<void> => {
      for (const environment of environments)
        for await (const deployment of newestFirst(environment, model))
          await change(deployment, (current) =>
            current.status === "ended"
              ? undefined
              : { ...current, status: "ended", shares: [...current.shares, { percent: 0, from: now }] },
          );
    },

    /** Newest first. */
    entries: async (
      environment: Environment,
      model: string,
      limit: number,
    ): Promise<readonly Deployment[]> => {
      const entries: Deployment[] = [];
      for await (const deployment of newestFirst(environment, model)) {
        entries.push(deployment);
        if (entries.length >= limit) break;
      }
      return entries;
    },
  };
};
export type Ledger = ReturnType<typeof createLedger>;

const toArtefact = (entry: Deployment | undefined) =>
  entry ? { digest: entry.digest, modelVersion: entry.version } : null;

/**
 * What a change of a deployment on prod means for subscribers: a share of its canary, or the end of a rollback. The
 * promotion of a delivery is part of its outcome.
 */
const describeChange =
  ({ at, ofDelivery }: Pick<Ledger, "at" | "ofDelivery">) =>
  async (before: Deployment, after: Deployment): Promise<readonly SlipwayEvent[]> => {
    if (after.environment !== "prod") return [];
    const { environment, model, delivery, commit, sequence } = after;
    const subject = { model, delivery, commit };
    const events: SlipwayEvent[] = [];
    if (after.status === "canary")
      for (const { percent, from } of after.shares.slice(before.shares.length))
        events.push(
          createEvent([delivery, percent], from, {
            type: "canary-step",
            ...subject,
            digest: after.digest,
            modelVersion: after.version,
            percent,
          }),
        );
    // Only a person's rollback has a reason.
    if (after.reason !== null && after.status === "promoted" && before.status !== "promoted") {
      // Without `takesBack` it ended a canary: the entry before its own.
      const from = after.takesBack
        ? await ofDelivery(environment, model, after.takesBack)
        : await at(environment, model, sequence - 1);
      events.push(
        createEvent([model, sequence], after.promotedAt ?? after.startedAt, {
          type: "rolled-back",
          ...subject,
          environment,
          from: toArtefact(from),
          to: toArtefact(after),
          reason: toPublicText(after.reason),
        }),
      );
    }
    if (after.takenBackAt !== null && before.takenBackAt === null)
      events.push(
        createEvent([model, sequence], after.takenBackAt, {
          type: "rolled-back",
          ...subject,
          environment,
          from: toArtefact(after),
          to: toArtefact(after.previous > 0 ? await at(environment, model, after.previous) : undefined),
          reason: null,
        }),
      );
    return events;
  };
