import { timingSafeEqual } from "node:crypto";
import { type Environment, environments } from "#platform/serving/serving.ts";
import { readPages, type Store, type StoredItem } from "#platform/store/store.ts";
import { ApiKey, findKeyState, isPast } from "./api-key.ts";
import { generateKey, generateKeyId, parseKey, type RandomBytes } from "./key-format.ts";

type NewKey = Readonly<Pick<ApiKey, "name" | "environment" | "rate" | "expiresAt">> & {
  readonly models: "all" | readonly string[];
  readonly by: string;
};

/** Why a key was not accepted: for logs, never for the caller. */
export type KeyRefusalReason =
  | "missing"
  | "malformed"
  | "unknown"
  | "wrong-secret"
  | "secret-ended"
  | "expired"
  | "revoked"
  | "wrong-model";

type KeyVerification =
  | { readonly status: "accepted"; readonly key: ApiKey }
  | { readonly status: "refused"; readonly reason: KeyRefusalReason; readonly keyId?: string };

/** The environment has no key with this id. */
export class KeyUnknown extends Error {
  override readonly name = "KeyUnknown";
}

/** The key was revoked or has expired: it cannot become valid again. */
export class KeyEnded extends Error {
  override readonly name = "KeyEnded";
}

/** The key already has two valid secrets. */
export class RotationUnderWay extends Error {
  override readonly name = "RotationUnderWay";
}

const toKeyPartition = (environment: Environment) => `api-keys#${environment}`;
const toCoveragePartition = (environment: Environment) => `api-keys-of-model#${environment}`;
const allModels = "*";

/** Compares with every secret, even after a match, so that the time reveals nothing about the hashes. */
const findSecret = (key: ApiKey, hash: string) => {
  const expected = Buffer.from(hash, "hex");
  const matches = key.secrets.filter((secret) => timingSafeEqual(Buffer.from(secret.hash, "hex"), expected));
  return matches[0];
};

/**
 * Stores the keys with which applications outside AWS call models over HTTP. A key belongs to one environment; its record
 * stays after it has ended. `clock` returns epoch milliseconds.
 */
export const createApiKeyStore = ({
  store,
  random,
  clock,
}: {
  readonly store: Store;
  readonly random: RandomBytes;
  readonly clock: () => number;
}) => {
  const find = async (environment: Environment, id: string): Promise<StoredItem | undefined> =>
    store.get({ partition: toKeyPartition(environment), sort: id });

  /** Updates a key with a pure function and retries if another writer was faster. `undefined` means no change. */
  const change = async (
    environment: Environment,
    id: string,
    update: (current: ApiKey) => ApiKey | undefined,
  ): Promise<ApiKey> => {
    for (;;) {
      const item = await find(environment, id);
      if (!item) throw new KeyUnknown(`${environment} has no key ${id}: \`slipway keys list\` shows them.`);
      const current = ApiKey.parse(item.value);
      const updated = update(current);
      if (updated === undefined) return current;
      const { written } = await store.put(item.key, updated, { expect: item.version });
      if (written) return updated;
    }
  };

  return {
    /** Creates a key. Only the result holds the secret: it cannot be shown again. */
    create: async ({ by, ...newKey }: NewKey): Promise<{ readonly key: string; readonly record: ApiKey }> => {
      const now = clock();
      const models = newKey.models === "all" ? newKey.models : [...new Set(newKey.models)];
      // Coverage first: otherwise a valid key could exist while its model is still open to everyone.
      for (const model of models === "all" ? [allModels] : models)
        await store.put({ partition: toCoveragePartition(newKey.environment), sort: model }, true);
      for (;;) {
        const id = generateKeyId(random);
        const { key, hash } = generateKey(id, random);
        const record = ApiKey.parse({
          ...newKey,
          id,
          models,
          secrets: [{ hash, createdAt: now, createdBy: by, endsAt: null }],
          createdAt: now,
          createdBy: by,
          revoked: null,
          lastUsed: null,
        });
        const itemKey = { partition: toKeyPartition(newKey.environment), sort: id };
        if ((await store.put(itemKey, record, { expect: "absent" })).written) return { key, record };
      }
    },

    /** Whether a key of this model was ever created. Revoking all keys of a model does not open it again. */
    coversModel: async (environment: Environment, model: string): Promise<boolean> => {
      const partition = toCoveragePartition(environment);
      for (const sort of [model, allModels]) if (await store.get({ partition, sort })) return true;
      return false;
    },

    /** Whether any key was ever created, for any model and environment: from then on records need a key. */
    hasAnyKey: async (): Promise<boolean> => {
      for (const environment of environments) {
        const page = await store.page({
          partition: toCoveragePartition(environment),
          order: "ascending",
          limit: 1,
        });
        if (page.items.length > 0) return true;
      }
      return false;
    },

    list: async (environment: Environment): Promise<readonly ApiKey[]> => {
      const keys: ApiKey[] = [];
      const partition = toKeyPartition(environment);
      for await (const items of readPages(store, { partition, order: "ascending", limit: 100 }))
        keys.push(...items.map(({ value }) => ApiKey.parse(value)));
      return keys.toSorted((a, b) => a.createdAt - b.createdAt);
    },

    /**
     * Adds a second secret to a key. The previous one stays valid for `graceMs`, so that an application can switch while
     * it runs; with 0, all older secrets end now. Throws KeyUnknown or KeyEnded; throws RotationUnderWay if two secrets
     * are valid and the grace is not 0.
     */
    rotate: async (
      environment: Environment,
      id: string,
      { graceMs, by }: { readonly graceMs: number; readonly by: string },
    ): Promise<{ readonly key: string; readonly record: ApiKey }> => {
      const { key, hash } = generateKey(id, random);
      const now = clock();
      const record = await change(environment, id, (current) => {
        const state = findKeyState(current, now);
        if (state !== "valid") throw new KeyEnded(`${id} is ${state}: create a new key instead.`);
        const valid = current.secrets.filter(({ endsAt }) => !isPast(endsAt, now));
        const [older] = valid;
        if (graceMs > 0 && valid.length > 1 && older?.endsAt)
          throw new RotationUnderWay(
            `${id} is being rotated: its older secret is valid until ${new Date(older.endsAt).toISOString()}. Use a grace of 0 to end both now.`,
          );
        const ending = graceMs > 0 ? valid.map((secret) => ({ ...secret, endsAt: now + graceMs })) : [];
        const added = { hash, createdAt: now, createdBy: by, endsAt: null };
        return { ...current, secrets: [...ending, added] };
      });
      return { key, record };
    },

    /** Ends a key at once: its next request is refused. The record names the first person who revoked it. */
    revoke: (environment: Environment, id: string, by: string): Promise<ApiKey> =>
      change(environment, id, (current) =>
        current.revoked === null ? { ...current, revoked: { at: clock(), by } } : undefined,
      ),

    /** Records the day of the last use: one write per day and key. */
    recordUse: async ({ environment, id, lastUsed }: ApiKey): Promise<void> => {
      const today = new Date(clock()).toISOString().slice(0, 10);
      if (lastUsed !== null && lastUsed >= today) return;
      await change(environment, id, (current) =>
        current.lastUsed !== null && current.lastUsed >= today ? undefined : { ...current, lastUsed: today },
      );
    },

    /** Checks that a text is a key that is valid now for this environment and model. Throws if the store does. */
    verify: async (
      environment: Environment,
      model: string,
      text: string | undefined,
    ): Promise<KeyVerification> => {
      const refuse = (reason: KeyRefusalReason, keyId?: string): KeyVerification => ({
        status: "refused",
        reason,
        ...(keyId === undefined ? {} : { keyId }),
      });
      if (text === undefined || text === "") return refuse("missing");
      const parsed = parseKey(text);
      if (!parsed) return refuse("malformed");
      const item = await find(environment, parsed.id);
      if (!item) return refuse("unknown", parsed.id);
      const key = ApiKey.parse(item.value);
      const now = clock();
      const secret = findSecret(key, parsed.hash);
      if (!secret) return refuse("wrong-secret", key.id);
      const state = findKeyState(key, now);
      if (state !== "valid") return refuse(state, key.id);
      if (isPast(secret.endsAt, now)) return refuse("secret-ended", key.id);
      if (key.models !== "all" && !key.models.includes(model)) return refuse("wrong-model", key.id);
      return { status: "accepted", key };
    },
  };
};
export type ApiKeyStore = ReturnType<typeof createApiKeyStore>;
