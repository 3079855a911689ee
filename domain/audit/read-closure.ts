import { createHolds } from "#domain/changes/holds.ts";
import type { Store } from "#platform/store/store.ts";

/** Why prod is closed for a delivery now; null: it does not wait. */
export const readClosure =
  ({ store }: { readonly store: Pick<Store, "get" | "put"> }) =>
  async (delivery: string): Promise<string | null> =>
    (await createHolds({ store }).read(delivery))?.current?.why ?? null;
