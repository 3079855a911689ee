import { SecretMissing, type Secrets } from "./secrets.ts";

const cacheMs = 5 * 60_000;

/**
 * Secrets that are asked for at most every five minutes, which is how long a rotation takes to be seen: a function
 * that anyone may call must not call on for each request. That one is missing is kept as well, other faults are not.
 * `clock`: epoch milliseconds.
 */
export const cacheSecrets = (secrets: Secrets, clock: () => number): Secrets => {
  const kept = new Map<string, { readonly value: Promise<string>; readonly until: number }>();
  return {
    read: (name) => {
      const found = kept.get(name);
      const now = clock();
      // A clock that was set back keeps nothing for longer.
      if (found && now < found.until && found.until - now <= cacheMs) return found.value;
      const asked = { value: secrets.read(name), until: now + cacheMs };
      kept.set(name, asked);
      asked.value.catch((fault: unknown) => {
        if (!(fault instanceof SecretMissing) && kept.get(name) === asked) kept.delete(name);
      });
      return asked.value;
    },
  };
};
