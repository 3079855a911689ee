import * as z from "zod";
import { toIndexItems } from "#domain/delivery/delivery-index.ts";
import { Superseded } from "#domain/delivery/errors.ts";
import { createEvent } from "#domain/events/create-event.ts";
import { toOutboxItems } from "#domain/events/to-outbox-items.ts";
import type { Environment } from "#platform/serving/serving.ts";
import { type PutOptions, readPages, type Store } from "#platform/store/store.ts";

const ClaimItem = z.object({
  environment: z.enum(["stage", "prod"]),
  model: z.string(),
  /** Grows with every grant. A lower fence may not change the environment. */
  fence: z.int().positive(),
  /** Null once released. */
  holder: z.string().nullable(),
  /** When the latest push that got the claim was received, epoch milliseconds; 0: none yet. */
  requestedAt: z.int(),
  grantedAt: z.int(),
  /** Deliveries that lost this claim to a person's rollback, the newest last. `by`: who and why. */
  interrupted: z.array(z.object({ delivery: z.string(), by: z.string() })).default([]),
});
export type ClaimItem = z.infer<typeof ClaimItem>;

type ClaimRequest = {
  readonly environment: Environment;
  readonly model: string;
  readonly delivery: string;
  /** With it, a push that gets stage is published as the start of its delivery. */
  readonly commit?: string;
  /** Epoch milliseconds. */
  readonly requestedAt: number;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Who takes the claim by force, and why. */
  readonly by?: string;
};

type Grant =
  | { readonly status: "granted"; readonly fence: number }
  | { readonly status: "busy"; readonly holder: string };

/** How far the clocks of two functions may be apart. */
const maxClockSkewMs = 60_000;

/**
 * Whether the clock was set back between the two pushes: the earlier grant is in the future, this request is not. Then the
 * times do not show the order, and the request that arrives later counts as later.
 */
const wasClockSetBack = (claim: ClaimItem, { requestedAt, now }: ClaimRequest): boolean =>
  claim.requestedAt > now + maxClockSkewMs && requestedAt <= now + maxClockSkewMs;

/** The claim of stage is the first fact that a delivery stores: its event, and its place in the lists. */
const describeStart = ({ model, delivery, commit, now }: ClaimRequest): Pick<PutOptions, "also"> => {
  if (commit === undefined) return {};
  const event = createEvent([delivery], now, { type: "started", model, delivery, commit });
  const subject = { delivery, model, commit };
  return {
    also: [
      ...(toOutboxItems(event).also ?? []),
      ...toIndexItems({ ...subject, startedAt: now, endedAt: null, outcome: null, error: null }),
    ],
  };
};

const maxInterrupted = 50;

const partition = "claims";
const toSortKey = (environment: Environment, model: string) => `${environment}#${model}`;

/**
 * The right of one delivery to change one (model, environment). Every grant has a higher fence than all before. Every write
 * checks that fence, so a holder that seemed dead does no harm (Kleppmann, "How to do distributed locking", 2016).
 */
export const createClaims = ({ store }: { store: Store }) => {
  const read = async (environment: Environment, model: string) => {
    const item = await store.get({ partition, sort: toSortKey(environment, model) });
    return item && { claim: ClaimItem.parse(item.value), version: item.version };
  };

  /**
   * @param when `newer` (stage): a later push takes the claim from its holder, an earlier one is Superseded; `free` (prod):
   *   busy while someone holds it; `force`: a person's rollback
   */
  const take = async (request: ClaimRequest, when: "newer" | "free" | "force"): Promise<Grant> => {
    const { environment, model, delivery, requestedAt, now, by } = request;
    for (;;) {
      const current = await read(environment, model);
      const claim = current?.claim;
      if (claim?.holder === delivery) return { status: "granted", fence: claim.fence };
      if (claim && when === "newer" && claim.requestedAt > requestedAt && !wasClockSetBack(claim, request))
        throw new Superseded(
          `a later push of ${model} (${claim.holder ?? "already ended"}) has ${environment}`,
        );
      if (claim?.holder && when === "free") return { status: "busy", holder: claim.holder };
      const fence = (claim?.fence ?? 0) + 1;
      const item: ClaimItem = {
        environment,
        model,
        fence,
        holder: delivery,
        // A rollback is not a push, so its claim of stage supersedes no push.
        requestedAt: when === "newer" ? requestedAt : (claim?.requestedAt ?? 0),
        grantedAt: now,
        interrupted: [
          ...(claim?.interrupted ?? []),
          ...(claim?.holder && when === "force" && by !== undefined ? [{ delivery: claim.holder, by }] : []),
        ].slice(-maxInterrupted),
      };
      const put = await store.put({ partition, sort: toSortKey(environment, model) }, item, {
        expect: current?.version ?? "absent",
        ...(when === "newer" ? describeStart(request) : {}),
      });
      if (put.written) return { status: "granted", fence };
    }
  };

  const listClaims = async (): Promise<readonly ClaimItem[]> => {
    const claims: ClaimItem[] = [];
    for await (const items of readPages(store, { partition, order: "ascending", limit: 100 }))
      for (const item of items) claims.push(ClaimItem.parse(item.value));
    return claims;
  };

  return {
    take,
    read: async (environment: Environment, model: string) => (await read(environment, model))?.claim,

    /** Throws Superseded where a later grant has a higher fence. */
    assertHeld: async (environment: Environment, model: string, fence: number): Promise<void> => {
      const claim = (await read(environment, model))?.claim;
      if (claim && claim.fence > fence)
        throw new Superseded(
          `${environment} of ${model} was claimed by ${claim.holder ?? "a delivery that has ended"} (fence ${claim.fence} > ${fence})`,
        );
    },

    /**
     * Gives the same holder a higher fence. After a timeout or a stop the function of an earlier step may still run: from now
     * on its writes are refused. Throws Superseded unless this delivery holds the claim.
     */
    renew: async (environment: Environment, model: string, delivery: string): Promise<number> => {
      for (;;) {
        const current = await read(environment, model);
        if (current?.claim.holder !== delivery)
          throw new Superseded(`${environment} of ${model} is no longer held by ${delivery}`);
        const fence = current.claim.fence + 1;
        const put = await store.put(
          { partition, sort: toSortKey(environment, model) },
          { ...current.claim, fence },
          { expect: current.version },
        );
        if (put.written) return fence;
      }
    },

    /** Does nothing unless this delivery holds the claim. */
    release: async (environment: Environment, model: string, delivery: string): Promise<void> => {
      for (;;) {
        const current = await read(environment, model);
        if (current?.claim.holder !== delivery) return;
        const put = await store.put(
          { partition, sort: toSortKey(environment, model) },
          { ...current.claim, holder: null },
          { expect: current.version },
        );
        if (put.written) return;
      }
    },

    /** Every claim, held or not: each model that was ever delivered has one of stage. */
    list: listClaims,

    /** Every held claim. */
    open: async (): Promise<readonly ClaimItem[]> =>
      (await listClaims()).filter(({ holder }) => holder !== null),
  };
};
export type Claims = ReturnType<typeof createClaims>;
