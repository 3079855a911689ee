import { createHash } from "node:crypto";
import pMap from "p-map";
import * as z from "zod";
import type { RefUpdate } from "#platform/source/source.ts";
import { readPages, type Store } from "#platform/store/store.ts";

const Push = z.object({ before: z.string().nullable(), after: z.string(), by: z.string().nullable() });
/** `at`: when its first event arrived, epoch milliseconds. */
const TimedPush = Push.extend({ at: z.int() });

type RecordedPush = RefUpdate & { readonly at: number };

type ManualStart = { readonly delivery: string; readonly by: string | null };

const FirstSeen = z.object({ at: z.int() });

const partition = "pushes";
/** By the commit that the branch was moved to, so that the pushes of a change are found among any number. */
const toBranchPartition = (after: string) => `branch-pushes~${after}`;
/** When the first event of a push arrived, by the content of the push. */
const pushTimesPartition = "push-times";
/** Deliveries that a person started by hand, by delivery and person. */
const manualStartsPartition = "deliveries-by-hand";
/** As long as approvals. */
const retentionSeconds = 400 * 86_400;
const pageSize = 200;
const maxPushes = 5_000;
const lookupConcurrency = 8;

/**
 * Who pushed: one entry for each push to the branch that delivers, and to other branches where the host sends those events.
 * CodeCommit keeps no such record, and the names in commits are unverified.
 */
export const createPushLog = ({ store, clock }: { readonly store: Store; readonly clock: () => number }) => ({
  /** Stores a push to the branch that delivers, under the time of its first event. A repeated event changes nothing. */
  record: async (push: Omit<RefUpdate, "merged">): Promise<void> => {
    const now = clock();
    const { before, after, by } = push;
    const id = createHash("sha256")
      .update(JSON.stringify([before, after, by]))
      .digest("hex");
    const options = { expect: "absent", expiresAt: Math.floor(now / 1_000) + retentionSeconds } as const;
    const first = await store.put({ partition: pushTimesPartition, sort: id }, { at: now }, options);
    const at = first.written ? now : FirstSeen.parse(first.found?.value ?? { at: now }).at;
    const sort = `${String(at).padStart(15, "0")}~${id}`;
    await store.put({ partition, sort }, { before, after, by }, options);
  },

  /** Stores a push to another branch or a tag, with the time of its first event. */
  recordBranch: async ({ before, after, by }: Omit<RefUpdate, "merged">): Promise<void> => {
    const now = clock();
    const id = createHash("sha256")
      .update(JSON.stringify([before, by]))
      .digest("hex");
    await store.put(
      { partition: toBranchPartition(after), sort: id },
      { before, after, by, at: now },
      { expect: "absent", expiresAt: Math.floor(now / 1_000) + retentionSeconds },
    );
  },

  /** Stores who started a delivery by hand. The same name started by another person is another entry. */
  recordHand: async ({ delivery, by }: ManualStart): Promise<void> => {
    const expiresAt = Math.floor(clock() / 1_000) + retentionSeconds;
    const key = { partition: manualStartsPartition, sort: `${delivery}~${by ?? ""}` };
    await store.put(key, { by }, { expect: "absent", expiresAt });
  },

  isByHand: async ({ delivery, by }: ManualStart): Promise<boolean> =>
    (await store.get({ partition: manualStartsPartition, sort: `${delivery}~${by ?? ""}` })) !== undefined,

  /** Pushes that moved another branch to one of these commits, in any order. */
  ofBranches: async (commits: readonly string[]): Promise<readonly RecordedPush[]> => {
    const find = async (commit: string): Promise<readonly RecordedPush[]> => {
      const query = { partition: toBranchPartition(commit), order: "ascending", limit: pageSize } as const;
      const { items } = await store.page(query);
      return items.map(({ value }) => ({ ...TimedPush.parse(value), merged: null }));
    };
    return (await pMap(commits, find, { concurrency: lookupConcurrency })).flat();
  },

  /** Newest first, back to the push of the commit that prod serves. */
  since: async (base: string | undefined): Promise<readonly RecordedPush[]> => {
    const pushes: RecordedPush[] = [];
    for await (const items of readPages(store, { partition, order: "descending", limit: pageSize })) {
      for (const { key, value } of items)
        pushes.push({ ...Push.parse(value), at: Number(key.sort.split("~")[0]), merged: null });
      if (pushes.length >= maxPushes || (base !== undefined && pushes.some((push) => push.after === base)))
        break;
    }
    return pushes;
  },
});
export type PushLog = ReturnType<typeof createPushLog>;
