import type { Store } from "./store.ts";
import type { WriteJournal } from "./write-journal.ts";

/** A larger `putAll` goes directly into the database: its transaction costs little per item. */
const maxJournaledItems = 25;

/**
 * A store whose items a journal may still hold: each read sees them, and each other write comes after them.
 * @param store the SQLite store of the journal's database; its reads are synchronous up to their result
 */
export const createJournaledStore = ({
  store,
  journal,
}: {
  readonly store: Store;
  readonly journal: WriteJournal;
}): Store => ({
  get: async (key) => journal.read(() => store.get(key)),
  page: async (query) => journal.read(() => store.page(query)),
  put: async (key, value, options) => {
    journal.flush();
    return store.put(key, value, options);
  },
  remove: async (key, options) => {
    journal.flush();
    return store.remove(key, options);
  },
  putAll: async (entries) => {
    if (entries.length <= maxJournaledItems) return journal.append({ entries, additions: [] });
    journal.flush();
    return store.putAll(entries);
  },
  add: async (key, amounts, options) => {
    journal.flush();
    return store.add(key, amounts, options);
  },
});
