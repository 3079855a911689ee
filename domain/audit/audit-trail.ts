import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { readPages, type Store, type StoredItem } from "#platform/store/store.ts";
import {
  AuditEntry,
  type AuditFact,
  AuditPlace,
  auditKeys,
  toAuditEntry,
  toWellFormedJson,
} from "./audit-entry.ts";

/** The newest entry of a trail is none, so nothing can follow it. */
export class AuditTrailBroken extends SlipwayError {
  override readonly name = "AuditTrailBroken";
  override readonly retryable = false;
}

/**
 * The audit trails, one for each model: entries that are only ever appended, each with the hash of the one before it. On
 * DynamoDB and SQLite alike a trail is the items of one partition, written once by a condition.
 */
export const createAuditTrail = ({
  store,
  clock,
}: {
  readonly store: Pick<Store, "get" | "put" | "page">;
  readonly clock: () => number;
}) => {
  /** Undefined: the model has no trail. Throws AuditTrailBroken. */
  const readHead = async (model: string): Promise<AuditEntry | undefined> => {
    const { items } = await store.page({ partition: auditKeys.trail(model), order: "descending", limit: 1 });
    const [newest] = items;
    if (!newest) return undefined;
    const entry = AuditEntry.safeParse(newest.value);
    if (!entry.success || auditKeys.entry(model, entry.data.sequence).sort !== newest.key.sort)
      throw new AuditTrailBroken(
        `The newest entry of the audit trail of ${model} (${newest.key.sort}) is not an entry of it, so nothing is recorded after it. Run \`slipway audit ${model}\`, find out who wrote to the store, and restore the entry from a backup.`,
      );
    return entry.data;
  };

  const noteFact = async (entry: AuditEntry): Promise<void> => {
    const { sequence, hash } = entry;
    const value = { sequence, hash } satisfies AuditPlace;
    await store.put(auditKeys.fact(entry.model, entry), value, { expect: "absent", permanent: true });
  };

  const findFact = async (
    model: string,
    fact: Pick<AuditFact, "delivery" | "fact">,
  ): Promise<AuditPlace | undefined> => {
    const item = await store.get(auditKeys.fact(model, fact));
    return item && AuditPlace.parse(item.value);
  };

  /**
   * Appends a fact once, however often it is appended. An entry and the note of its fact are two writes, so whoever appends
   * the next entry first repeats the note of the last one: only the last entry can lack it.
   * Returns whether this call appended it.
   */
  const append = async (model: string, fact: AuditFact): Promise<boolean> => {
    for (;;) {
      const head = await readHead(model);
      if (head) await noteFact(head);
      if (await findFact(model, fact)) return false;
      const entry = toAuditEntry(fact, {
        model,
        previous: head,
        recordedAt: new Date(clock()).toISOString(),
      });
      const put = await store.put(auditKeys.entry(model, entry.sequence), toWellFormedJson(entry), {
        expect: "absent",
        permanent: true,
      });
      if (!put.written) continue;
      await noteFact(entry);
      return true;
    }
  };

  const readAll = async (partition: string): Promise<readonly StoredItem[]> => {
    const all: StoredItem[] = [];
    const query = { partition, order: "ascending", limit: 1_000 } as const;
    for await (const items of readPages(store, query)) all.push(...items);
    return all;
  };

  return {
    readHead,
    findFact,
    append,

    /** Returns those of a delivery's facts that the trail lacks; null: facts of no delivery. */
    findMissing: async (
      model: string,
      delivery: string | null,
      facts: readonly AuditFact[],
    ): Promise<readonly AuditFact[]> => {
      const { partition, prefix } = auditKeys.facts(model, delivery);
      const noted = new Set<string>();
      for await (const items of readPages(store, { partition, prefix, order: "ascending", limit: 1_000 }))
        for (const { key } of items) noted.add(key.sort);
      return facts.filter((fact) => !noted.has(auditKeys.fact(model, fact).sort));
    },

    /** The trail's items as they are stored, oldest first, for `verifyTrail`. */
    readItems: (model: string): Promise<readonly StoredItem[]> => readAll(auditKeys.trail(model)),

    /** The notes of recorded facts as they are stored. Read before the items, each has its entry there. */
    readNotes: (model: string): Promise<readonly StoredItem[]> => readAll(auditKeys.notes(model)),
  };
};
