import * as z from "zod";
import { ModelName } from "#model-folder/manifest/manifest.ts";
import { readPages, type Store } from "#platform/store/store.ts";

/** All models. */
export const everyModel = "*";

const Person = z.object({ id: z.string(), name: z.string() });
type Person = z.infer<typeof Person>;

/** While it is in force, no delivery changes prod of its models. */
const Freeze = z.object({
  /** A model, or `*` for all. */
  scope: z.union([z.literal(everyModel), ModelName]),
  /** Epoch milliseconds: from here on it is over. */
  until: z.int(),
  reason: z.string(),
  by: Person,
  /** Epoch milliseconds. */
  at: z.int(),
  /** Null while nobody has ended it early. */
  lifted: z.object({ by: Person, at: z.int() }).nullable(),
});
export type Freeze = z.infer<typeof Freeze>;

/** The newest freeze of a scope, in one item with those before it, so that no crash separates them. */
const FreezeItem = Freeze.extend({
  /** What it replaced, oldest first; an ended freeze as it was before and after its end. Absent in old records. */
  earlier: z.array(Freeze).optional(),
});

const partition = "freezes";
/** Freezes stay as a record. */
const retentionSeconds = 400 * 86_400;
/** The audit trails have recorded them before so many others follow. A reason has at most 2,000 characters, an item 350 KB. */
const maxEarlier = 25;

/**
 * Freezes by their scope: a later one of the same scope replaces the earlier. Conditional writes, so that of two people who
 * change one at the same time the second knows about the first.
 */
export const createFreezes = ({ store, clock }: { readonly store: Store; readonly clock: () => number }) => {
  const read = async (scope: string) => {
    const item = await store.get({ partition, sort: scope });
    if (!item) return undefined;
    const { earlier = [], ...freeze } = FreezeItem.parse(item.value);
    return { freeze, earlier, version: item.version };
  };
  const isInForce = ({ until, lifted }: Freeze) => lifted === null && until > clock();
  const write = async (freeze: Freeze, before: Awaited<ReturnType<typeof read>>): Promise<boolean> => {
    const expiresAt = Math.floor(Math.max(freeze.until, clock()) / 1_000) + retentionSeconds;
    const earlier = before ? [...before.earlier, before.freeze].slice(-maxEarlier) : [];
    const options = { expect: before?.version ?? ("absent" as const), expiresAt };
    return (await store.put({ partition, sort: freeze.scope }, { ...freeze, earlier }, options)).written;
  };
  return {
    /** Returns the freeze of the same scope that it replaces; undefined: none was in force. */
    freeze: async ({
      scope,
      until,
      reason,
      by,
    }: Pick<Freeze, "scope" | "until" | "reason" | "by">): Promise<Freeze | undefined> => {
      for (;;) {
        const item = await read(scope);
        const next: Freeze = { scope, until, reason, by, at: clock(), lifted: null };
        if (!(await write(next, item))) continue;
        return item && isInForce(item.freeze) ? item.freeze : undefined;
      }
    },

    /** Ends a freeze early. Undefined: none of this scope was in force. */
    unfreeze: async (scope: string, by: Person): Promise<Freeze | undefined> => {
      for (;;) {
        const item = await read(scope);
        if (!item || !isInForce(item.freeze)) return undefined;
        const next: Freeze = { ...item.freeze, lifted: { by, at: clock() } };
        if (await write(next, item)) return next;
      }
    },

    /**
     * What people did about the freezes of a scope, oldest first: each freeze, and again with `lifted` once somebody ended
     * it. The newest changes alone: older ones lie in the audit trails.
     */
    history: async (scope: string): Promise<readonly Freeze[]> => {
      const item = await read(scope);
      return item ? [...item.earlier, item.freeze] : [];
    },

    /** Those in force, of all scopes. */
    list: async (): Promise<readonly Freeze[]> => {
      const freezes: Freeze[] = [];
      for await (const items of readPages(store, { partition, order: "ascending", limit: 100 }))
        for (const { value } of items) freezes.push(Freeze.parse(value));
      return freezes.filter(isInForce);
    },

    /** Those in force that hold a model. */
    ofModel: async (model: string): Promise<readonly Freeze[]> => {
      const items = await Promise.all([read(everyModel), read(model)]);
      return items.flatMap((item) => (item && isInForce(item.freeze) ? [item.freeze] : []));
    },
  };
};
export type Freezes = ReturnType<typeof createFreezes>;
