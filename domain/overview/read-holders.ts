import { createClaims } from "#domain/claims/claims.ts";
import type { Store } from "#platform/store/store.ts";

/** The delivery, or the person's rollback, that may change each environment of a model; null: none. */
export type Holders = { readonly stage: string | null; readonly prod: string | null };

/** The keys are all models that were ever delivered, sorted. */
export const readHolders = async (needs: {
  readonly store: Store;
}): Promise<ReadonlyMap<string, Holders>> => {
  const holders = new Map<string, Holders>();
  for (const { model, environment, holder } of await createClaims(needs).list()) {
    const known = holders.get(model) ?? { stage: null, prod: null };
    holders.set(model, { ...known, [environment]: holder });
  }
  return new Map([...holders].toSorted(([a], [b]) => (a < b ? -1 : 1)));
};
