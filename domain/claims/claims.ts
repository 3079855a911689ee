import * as z from "zod";
import { Superseded } from "#domain/delivery/errors.ts";
import type { Environment } from "#platform/serving/serving.ts";
import type { Store } from "#platform/store/store.ts";

const ClaimItem = z.object({
  environment: z.enum(["stage", "prod"]),
  model: z.string(),
  /** Grows with every grant and never falls; a lower fence may not change the environment. */
  fence: z.int().positive(),
  /** Who holds it now; null once released. */
  holder: z.string().nullable(),
  /** When the latest push that was ever granted it was received, epoch milliseconds; 0: none yet. */
  requestedAt: z.int(),
  grantedAt: z.int(),
  /** Deliveries that a person's rollback took this claim from, the newest last: who did it, and why. */
  interrupted: z.array(z.object({ delivery: z.string(), by: z.string() })).default([]),
});
export type ClaimItem = z.infer<typeof ClaimItem>;

type ClaimRequest = {
  readonly environment: Environment;
  readonly model: string;
  readonly delivery: string;
  /** Epoch milliseconds. */
  readonly requestedAt: number;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Who takes it by force, and why. */
  readonly by?: string;
};

type Grant =
  | { readonly status: "granted"; readonly fence: number }
  | { readonly status: "busy"; readonly holder: string };

/** How far the clocks of two functions may be apart. */
const maxClockSkewMs = 60_000;

/**
 * Whether the clock was set back between the two pushes: what was granted before lies in the future, and this request
 * does not. Then the times say nothing of their order, and the one that comes later to the claim is the later one.
 */
const wasClockSetBack = (claim: ClaimItem, { requestedAt, now }: ClaimRequest): boolean =>
  claim.requestedAt > now + maxClockSkewMs && requestedAt <= now + maxClockSkewMs;

/** How many interrupted deliveries a claim remembers. */
const maxInterrupted = 50;

const partition = "claims";
const toSortKey = (environment: Environment, model: string) => `${environment}#${model}`;

/**
 * The right of one delivery to change one (model, environment). Every grant carries a higher fence than any
 * before it; what protects the environment is that fence, checked again wherever something is written
 * (Kleppmann, "How to do distributed locking", 2016), so a holder that was thought dead can do no harm.
 */
export const createClaims = ({ store }: { store: Store }) => {
  const read = async (environment: Environment, model: string) => {
    const item = await store.get({ partition, sort: toSortKey(environment, model) });
    return item && { claim: ClaimItem.parse(item.value), version: item.version };
  };

  /**
   * @param when may the request take the claim from an open holder: `newer` (stage: the later push wins; an
   *   earlier one is Superseded), `free` (prod: busy while someone holds it), `force` (a person's rollback)
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
        // Only a push counts among pushes: a rollback's passing visit to stage supersedes none of them.
        requestedAt: when === "newer" ? requestedAt : (claim?.requestedAt ?? 0),
        grantedAt: now,
        interrupted: [
          ...(claim?.interrupted ?? []),
          ...(claim?.holder && when === "force" && by !== undefined ? [{ delivery: claim.holder, by }] : []),
        ].slice(-maxInterrupted),
      };
      const put = await store.put({ partition, sort: toSortKey(environment, model) }, item, {
        expect: current?.version ?? "absent",
      });
      if (put.written) return { status: "granted", fence };
    }
  };

  return {
    take,
    read: async (environment: Environment, model: string) => (await read(environment, model))?.claim,

    /** Throws Superseded when someone was granted the environment after this fence. */
    assertHeld: async (environment: Environment, model: string, fence: number): Promise<void> => {
      const claim = (await read(environment, model))?.claim;
      if (claim && claim.fence > fence)
        throw new Superseded(
          `${environment} of ${model} was claimed by ${claim.holder ?? "a delivery that has ended"} (fence ${claim.fence} > ${fence})`,
        );
    },

    /**
     * A higher fence for the same holder: what an earlier step of the same delivery is still about to write (it timed
     * out, or its execution was stopped, and nothing stops the function itself) is refused from here on. Throws
     * Superseded where someone else holds the claim, or nobody.
     */
    renew: async (environment: Environment, model: string, delivery: string): Promise<number> => {
      for (;;) {
        const current = await read(environment, model);
        if (current?.claim.holder !== delivery)
          throw new Superseded(`${environment} of ${model} is not held by ${delivery} any more`);
        const fence = current.claim.fence + 1;
        const put = await store.put(
          { partition, sort: toSortKey(environment, model) },
          { ...current.claim, fence },
          { expect: current.version },
        );
        if (put.written) return fence;
      }
    },

    /** Gives the claim back where this delivery still holds it. */
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

    /** Every claim that someone holds. */
    open: async (): Promise<readonly ClaimItem[]> => {
      const found: ClaimItem[] = [];
      for (let after: string | undefined; ; ) {
        const page = await store.page({
          partition,
          order: "ascending",
          limit: 100,
          ...(after ? { after } : {}),
        });
        for (const item of page.items) {
          const claim = ClaimItem.parse(item.value);
          if (claim.holder) found.push(claim);
        }
        if (!page.cursor) return found;
        after = page.cursor;
      }
    },
  };
};
export type Claims = ReturnType<typeof createClaims>;
