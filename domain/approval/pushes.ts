import { createHash } from "node:crypto";
import * as z from "zod";
import type { RefUpdate } from "../../platform/source/source.ts";
import type { Store } from "../../platform/store/store.ts";

const Push = z.object({ before: z.string().nullable(), after: z.string(), by: z.string().nullable() });

const First = z.object({ at: z.int() });

const partition = "pushes";
/** When a push was told first, by its content. */
const timesPartition = "push-times";
/** As long as an approval is kept. */
const keptSeconds = 400 * 86_400;
const pageSize = 200;
/** The most pushes that are looked through. */
const limit = 5_000;

/**
 * Who moved the branch that delivers, one entry a push. A code host that keeps no record of its own leaves no other trace
 * of it: what stands in the commits is what their maker wrote there.
 */
export const pushes = ({ store, clock }: { readonly store: Store; readonly clock: () => number }) => ({
  /** Keeps a push, under the time at which it was told first: the same push told again changes nothing. */
  record: async (push: Omit<RefUpdate, "merged">): Promise<void> => {
    const now = clock();
    const { before, after, by } = push;
    const id = createHash("sha256")
      .update(JSON.stringify([before, after, by]))
      .digest("hex");
    const options = { expect: "absent", expiresAt: Math.floor(now / 1_000) + keptSeconds } as const;
    const first = await store.put({ partition: timesPartition, sort: id }, { at: now }, options);
    const at = first.written ? now : First.parse(first.found?.value ?? { at: now }).at;
    const sort = `${String(at).padStart(15, "0")}~${id}`;
    await store.put({ partition, sort }, { before, after, by }, options);
  },

  /** Newest first; read until the push that brought what prod serves. */
  since: async (base: string | undefined): Promise<readonly RefUpdate[]> => {
    const found: RefUpdate[] = [];
    for (let after: string | undefined; found.length < limit; ) {
      const page = await store.page({
        partition,
        order: "descending",
        limit: pageSize,
        ...(after === undefined ? {} : { after }),
      });
      for (const { value } of page.items) found.push({ ...Push.parse(value), merged: null });
      if (!page.cursor || (base !== undefined && found.some((push) => push.after === base))) break;
      after = page.cursor;
    }
    return found;
  },
});
export type Pushes = ReturnType<typeof pushes>;
