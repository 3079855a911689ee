import { SecretMissing, type Secrets } from "./secrets.ts";

const cacheMs = 5 * 60_000;

/**
 * Caches each secret for five minutes, so a rotation takes up to that long to be visible. Without the cache, a function
 * that anyone may call would read the secret for each request. Caches SecretMissing too, but no other error.
 * `clock`: epoch milliseconds.
 */
export const cacheSecrets = (secrets: Secrets, clock: () => number): Secrets => {
  const cache = new Map<string, { readonly value: Promise<string>; readonly expiresAt: number }>();
  return {
    read: (name) => {
      const cached = cache.get(name);
      const now = clock();
      // The second condition holds the limit even if someone sets the clock back.
      if (cached && now < cached.expiresAt && cached.expiresAt - now <= cacheMs) return cached.value;
      const entry = { value: secrets.read(name), expiresAt: now + cacheMs };
      cache.set(name, entry);
      entry.value.catch((error: unknown) => {
        if (!(error instanceof SecretMissing) && cache.get(name) === entry) cache.delete(name);
      });
      return entry.value;
    },
  };
};
