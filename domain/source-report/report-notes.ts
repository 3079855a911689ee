import * as z from "zod";
import { readPages, type Store } from "#platform/store/store.ts";

const Failure = z.object({
  name: z.string(),
  message: z.string(),
  /** Epoch milliseconds. */
  at: z.int(),
  attempts: z.int().positive(),
});
const Note = z.object({
  model: z.string(),
  commit: z.string(),
  /** Another delivery changed what this one shows: it is reported, and nothing follows from it. Absent in old notes. */
  follows: z.boolean().optional(),
  /** Epoch seconds, when the note ends; absent in old notes. */
  expiresAt: z.int().optional(),
  /** Hash of the report that the host took last; absent: none of the facts that are noted. */
  shown: z.string().optional(),
  failure: Failure.optional(),
  /** Epoch milliseconds of the next attempt after a failure. */
  nextAt: z.int().optional(),
});
/** A delivery whose last report may be missing or old. */
export type ReportNote = z.infer<typeof Note> & {
  readonly delivery: string;
  /** Of the stored item: a newer one belongs to a fact that is not shown yet. */
  readonly version: number;
};

const Times = z.object({ at: z.int() });
const Lease = z.object({ until: z.int() });

const partition = "source-reports-unfinished";
const toKey = (delivery: string) => ({ partition, sort: delivery });
const stateKeys = {
  lease: { partition: "source-reports", sort: "lease" },
  pause: { partition: "source-reports", sort: "pause" },
  success: { partition: "source-reports", sort: "success" },
};
/** A host that refuses for this long is not asked about a delivery again. */
const retentionSeconds = 7 * 86_400;
/** The first repetition is the schedule's next run; then each waits twice as long, up to an hour. */
const firstDelayMs = 300_000;
const longestDelayMs = 3_600_000;
const maxMessage = 500;

/**
 * What is still to be reported to the source's host, and who reports: one run at a time, because GitHub wants its calls one
 * after the other.
 */
export const createReportNotes = ({
  store,
  clock,
}: {
  readonly store: Store;
  readonly clock: () => number;
}) => {
  const put = (delivery: string, note: z.infer<typeof Note>, expect?: "absent" | number) => {
    const expiresAt = note.expiresAt ?? Math.floor(clock() / 1_000) + retentionSeconds;
    return store.put(
      toKey(delivery),
      { ...note, expiresAt },
      { expiresAt, ...(expect === undefined ? {} : { expect }) },
    );
  };
  /** Returns the item's version, or the former one where a newer note is there. */
  const replace = async ({ delivery, version, ...note }: ReportNote): Promise<number> => {
    const result = await put(delivery, note, version);
    return result.written ? result.version : version;
  };
  const readTime = async (key: (typeof stateKeys)["pause"]): Promise<number | undefined> => {
    const item = await store.get(key);
    return item && Times.parse(item.value).at;
  };

  return {
    /** A fact of the delivery changed: it is reported at once, also after failures. */
    add: async (delivery: string, { model, commit }: { readonly model: string; readonly commit: string }) => {
      await put(delivery, { model, commit });
    },
    /** Another delivery changed what this one shows. */
    addFollowing: async (
      delivery: string,
      { model, commit }: { readonly model: string; readonly commit: string },
    ) => {
      await put(delivery, { model, commit, follows: true }, "absent");
    },
    list: async (): Promise<readonly ReportNote[]> => {
      const notes: ReportNote[] = [];
      for await (const items of readPages(store, { partition, order: "ascending", limit: 250 }))
        for (const { key, value, version } of items)
          notes.push({ ...Note.parse(value), delivery: key.sort, version });
      return notes;
    },
    /** Nothing changes where a newer note is there. */
    remove: ({ delivery, version }: ReportNote) => store.remove(toKey(delivery), { expect: version }),
    /** The host took this report, and the delivery goes on. */
    keep: ({ failure: _, nextAt: __, ...note }: ReportNote, shown: string) => replace({ ...note, shown }),
    fail: (note: ReportNote, error: unknown): Promise<number> => {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      const attempts = (note.failure?.attempts ?? 0) + 1;
      const delayMs = attempts === 1 ? 0 : Math.min(firstDelayMs * 2 ** (attempts - 2), longestDelayMs);
      const failure = { name, message: message.slice(0, maxMessage), at: clock(), attempts };
      return replace({ ...note, failure, nextAt: clock() + delayMs });
    },

    /** Undefined: another run reports; it also finds what was noted before this call. */
    takeLease: async (ms: number): Promise<number | undefined> => {
      const item = await store.get(stateKeys.lease);
      if (item && Lease.parse(item.value).until > clock()) return undefined;
      const result = await store.put(
        stateKeys.lease,
        { until: clock() + ms },
        { expect: item?.version ?? "absent" },
      );
      return result.written ? result.version : undefined;
    },
    releaseLease: async (version: number): Promise<void> => {
      await store.remove(stateKeys.lease, { expect: version });
    },

    /** The host takes no call before `until`. */
    pause: async (until: number): Promise<void> => {
      await store.put(stateKeys.pause, { at: until });
    },
    /** Epoch milliseconds. */
    readPause: () => readTime(stateKeys.pause),
    succeed: async (): Promise<void> => {
      await store.put(stateKeys.success, { at: clock() });
    },
    /** When the host took the last report (epoch milliseconds); undefined: never. */
    readSuccess: () => readTime(stateKeys.success),
  };
};
