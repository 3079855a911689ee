import type { Environment } from "#platform/serving/serving.ts";
import type { Admit } from "./admission.ts";
import type { ApiKeyStore, KeyRefusalReason } from "./api-key-store.ts";
import type { RateLimiter } from "./rate-limiter.ts";

export type KeyRefusal = {
  readonly reason: KeyRefusalReason;
  readonly keyId?: string;
  readonly model: string;
};

/**
 * Decides on the API key of each request. If the store cannot read a key, this throws and no one gets in: open access
 * would do more harm. If the store cannot count requests, a valid key gets in with a warning: its application is known,
 * and a missing count must not stop it.
 * @param logRefusal gets the reason, which the caller never learns, and the key's id, never the key
 */
export const admitKey =
  ({
    keys,
    limiter,
    environment,
    warn,
    logRefusal,
  }: {
    readonly keys: Pick<ApiKeyStore, "verify" | "recordUse">;
    readonly limiter: RateLimiter;
    readonly environment: Environment;
    readonly warn: (sentence: string, error: unknown) => void;
    readonly logRefusal: (refusal: KeyRefusal) => void;
  }): Admit =>
  async ({ key: text, model }) => {
    const verification = await keys.verify(environment, model, text);
    if (verification.status === "refused") {
      const { reason, keyId } = verification;
      logRefusal({ reason, model, ...(keyId === undefined ? {} : { keyId }) });
      return { status: "refused", httpStatus: reason === "wrong-model" ? 403 : 401 };
    }
    const { key } = verification;
    const [limit] = await Promise.all([
      limiter(`${environment}#${key.id}`, key.rate).catch((error: unknown) => {
        warn(`a request of the key ${key.id} was admitted without counting it`, error);
        return undefined;
      }),
      keys
        .recordUse(key)
        .catch((error: unknown) => warn(`the last use of the key ${key.id} was not recorded`, error)),
    ]);
    if (limit === undefined) return { status: "admitted", keyId: key.id };
    const { quota } = limit;
    return limit.admitted
      ? { status: "admitted", keyId: key.id, quota }
      : { status: "throttled", keyId: key.id, quota, retryAfter: limit.retryAfter };
  };
