import { createHash } from "node:crypto";
import pMap from "p-map";
import * as z from "zod";
import type { RefUpdate } from "#platform/source/source.ts";
import type { Store } from "#platform/store/store.ts";

const Push = z.object({ before: z.string().nullable(), after: z.string(), by: z.string().nullable() });
/** `at`: when it was told first, in milliseconds since 1970. */
const TimedPush = Push.extend({ at: z.int() });

type RecordedPush = RefUpdate & { readonly at: number };

type ManualStart = { readonly delivery: string; readonly by: string | null };

const FirstSeen = z.object({ at: z.int() });

const partition = "pushes";
/** Of any branch, by the commit that it was moved to: however many there are, those of a change are found. */
const toBranchPartition = (after: string) => `branch-pushes~${after}`;
/** When a push was told first, by its content. */
const pushTimesPartition = "push-times";
/** Deliveries that somebody started by hand, by their name and by whom. */
const manualStartsPartition = "deliveries-by-hand";
/** As long as an approval is kept. */
const retentionSeconds = 400 * 86_400;
const pageSize = 200;
/** The most pushes that are looked through. */
const maxPushes = 5_000;
/** Commits whose pushes are looked up at once. */
const lookupConcurrency = 8;

/**
 * Who moved the branch that delivers, one entry a push, and where the host tells of them, other branches. A code host that
 * keeps no record of its own leaves no other trace
 * of it: what stands in the commits is what their maker wrote there.
 */
export const createPushLog = ({ store, clock }: { readonly store: Store; readonly clock: () => number }) => ({
  /** Keeps a push to the branch that delivers, under the time at which it was told first: told again it changes nothing. */
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

  /** Keeps a push to another branch or a tag, with the time at which it was told first. */
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

  /** Keeps that a delivery was started by hand: of another's delivery of the same name it says nothing. */
  recordHand: async ({ delivery, by }: ManualStart): Promise<void> => {
    const expiresAt = Math.floor(clock() / 1_000) + retentionSeconds;
    const key = { partition: manualStartsPartition, sort: `${delivery}~${by ?? ""}` };
    await store.put(key, { by }, { expect: "absent", expiresAt });
  },

  /** Whether this person started the delivery by hand. */
  isByHand: async ({ delivery, by }: ManualStart): Promise<boolean> =>
    (await store.get({ partition: manualStartsPartition, sort: `${delivery}~${by ?? ""}` })) !== undefined,

  /** The pushes that moved another branch to one of these commits, in any order. */
  ofBranches: async (commits: readonly string[]): Promise<readonly RecordedPush[]> => {
    const find = async (commit: string): Promise<readonly RecordedPush[]> => {
      const query = { partition: toBranchPartition(commit), order: "ascending", limit: pageSize } as const;
      const { items } = await store.page(query);
      return items.map(({ value }) => ({ ...TimedPush.parse(value), merged: null }));
    };
    return (await pMap(commits, find, { concurrency: lookupConcurrency })).flat();
  },

  /** Newest first; read until the push that brought what prod serves. */
  since: async (base: string | undefined): Promise<readonly RecordedPush[]> => {
    const found: RecordedPush[] = [];
    for (let after: string | undefined; found.length < maxPushes; ) {
      const page = await store.page({
        partition,
        order: "descending",
        limit: pageSize,
        ...(after === undefined ? {} : { after }),
      });
      for (const { key, value } of page.items)
        found.push({ ...Push.parse(value), at: Number(key.sort.split("~")[0]), merged: null });
      if (!page.cursor || (base !== undefined && found.some((push) => push.after === base))) break;
      after = page.cursor;
    }
    return found;
  },
});
export type PushLog = ReturnType<typeof createPushLog>;
