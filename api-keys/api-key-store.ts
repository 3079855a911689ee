import { timingSafeEqual } from "node:crypto";
import { type Environment, environments } from "#platform/serving/serving.ts";
import type { Store, StoredItem } from "#platform/store/store.ts";
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

/** There is no key of that id in the environment. */
export class KeyUnknown extends Error {
  override readonly name = "KeyUnknown";
}

/** The key was revoked or has expired: nothing brings it back. */
export class KeyEnded extends Error {
  override readonly name = "KeyEnded";
}

/** Two secrets of the key are valid already. */
export class RotationUnderWay extends Error {
  override readonly name = "RotationUnderWay";
}

const toKeyPartition = (environment: Environment) => `api-keys#${environment}`;
const toCoveragePartition = (environment: Environment) => `api-keys-of-model#${environment}`;
const allModels = "*";

/** Compares with every secret, also after a hit: the time tells nothing of how much of a hash was right. */
const findSecret = (key: ApiKey, hash: string) => {
  const given = Buffer.from(hash, "hex");
  const same = key.secrets.filter((secret) => timingSafeEqual(Buffer.from(secret.hash, "hex"), given));
  return same[0];
};

/**
 * The keys by which applications outside AWS call models over HTTP. A key belongs to one environment and stays on
 * record when it has ended. `clock` gives epoch milliseconds.
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

  /** Changes a key by a pure function, again on a lost race; `undefined` leaves it as it is. */
  const change = async (
    environment: Environment,
    id: string,
    next: (current: ApiKey) => ApiKey | undefined,
  ): Promise<ApiKey> => {
    for (;;) {
      const item = await find(environment, id);
      if (!item) throw new KeyUnknown(`${environment} has no key ${id}: \`slipway keys list\` shows them.`);
      const current = ApiKey.parse(item.value);
      const changed = next(current);
      if (changed === undefined) return current;
      const put = await store.put(item.key, changed, { expect: item.version });
      if (put.written) return changed;
    }
  };

  return {
    /** Makes a key. The secret is in the answer and nowhere else: it cannot be shown again. */
    create: async ({ by, ...wanted }: NewKey): Promise<{ readonly key: string; readonly record: ApiKey }> => {
      const now = clock();
      const models = wanted.models === "all" ? wanted.models : [...new Set(wanted.models)];
      // First, so that a key that is in force is never of a model that still counts as open.
      for (const model of models === "all" ? [allModels] : models)
        await store.put({ partition: toCoveragePartition(wanted.environment), sort: model }, true);
      for (;;) {
        const id = generateKeyId(random);
        const { key, hash } = generateKey(id, random);
        const record = ApiKey.parse({
          ...wanted,
          id,
          models,
          secrets: [{ hash, createdAt: now, createdBy: by, endsAt: null }],
          createdAt: now,
          createdBy: by,
          revoked: null,
          lastUsed: null,
        });
        const place = { partition: toKeyPartition(wanted.environment), sort: id };
        if ((await store.put(place, record, { expect: "absent" })).written) return { key, record };
      }
    },

    /** Whether a key of this model was ever made. A model whose keys are all revoked does not become open again. */
    coversModel: async (environment: Environment, model: string): Promise<boolean> => {
      const partition = toCoveragePartition(environment);
      for (const sort of [model, allModels]) if (await store.get({ partition, sort })) return true;
      return false;
    },

    /** Whether any key was ever made, of whatever model and environment: from then on records are not open. */
    anyMade: async (): Promise<boolean> => {
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
      for (let after: string | undefined; ; ) {
        const page = await store.page({
          partition: toKeyPartition(environment),
          order: "ascending",
          limit: 100,
          ...(after ? { after } : {}),
        });
        keys.push(...page.items.map(({ value }) => ApiKey.parse(value)));
        if (!page.cursor) return keys.toSorted((a, b) => a.createdAt - b.createdAt);
        after = page.cursor;
      }
    },

    /**
     * A second secret for a key. The one before stays valid for `graceMs`, so that an application can change over
     * while it runs; with 0 it, and any other, ends now. Throws KeyUnknown, KeyEnded, and RotationUnderWay where two
     * are valid already and the grace is not 0.
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
        if (state !== "valid") throw new KeyEnded(`${id} is ${state}: make a new key instead.`);
        const standing = current.secrets.filter(({ endsAt }) => !isPast(endsAt, now));
        const [older] = standing;
        if (graceMs > 0 && standing.length > 1 && older?.endsAt)
          throw new RotationUnderWay(
            `${id} is being rotated: its older secret is valid until ${new Date(older.endsAt).toISOString()}. With a grace of 0 both end now.`,
          );
        const ending = graceMs > 0 ? standing.map((secret) => ({ ...secret, endsAt: now + graceMs })) : [];
        const made = { hash, createdAt: now, createdBy: by, endsAt: null };
        return { ...current, secrets: [...ending, made] };
      });
      return { key, record };
    },

    /** Ends a key at once: the next request with it is refused. The first who revoked it stays on record. */
    revoke: (environment: Environment, id: string, by: string): Promise<ApiKey> =>
      change(environment, id, (current) =>
        current.revoked === null ? { ...current, revoked: { at: clock(), by } } : undefined,
      ),

    /** Notes the day on which a key was used: one write a day and key. Which of two writers is first does not matter. */
    used: async ({ environment, id, lastUsed }: ApiKey): Promise<void> => {
      const today = new Date(clock()).toISOString().slice(0, 10);
      if (lastUsed !== null && lastUsed >= today) return;
      await change(environment, id, (current) =>
        current.lastUsed !== null && current.lastUsed >= today ? undefined : { ...current, lastUsed: today },
      );
    },

    /** Whether what a request brought is a key of this environment for this model, now. Throws where the store does. */
    verify: async (
      environment: Environment,
      model: string,
      given: string | undefined,
    ): Promise<KeyVerification> => {
      const refused = (reason: KeyRefusalReason, keyId?: string): KeyVerification => ({
        status: "refused",
        reason,
        ...(keyId === undefined ? {} : { keyId }),
      });
      if (given === undefined || given === "") return refused("missing");
      const read = parseKey(given);
      if (!read) return refused("malformed");
      const item = await find(environment, read.id);
      if (!item) return refused("unknown", read.id);
      const key = ApiKey.parse(item.value);
      const now = clock();
      const secret = findSecret(key, read.hash);
      if (!secret) return refused("wrong-secret", key.id);
      const state = findKeyState(key, now);
      if (state !== "valid") return refused(state, key.id);
      if (isPast(secret.endsAt, now)) return refused("secret-ended", key.id);
      if (key.models !== "all" && !key.models.includes(model)) return refused("wrong-model", key.id);
      return { status: "accepted", key };
    },
  };
};
export type ApiKeyStore = ReturnType<typeof createApiKeyStore>;
