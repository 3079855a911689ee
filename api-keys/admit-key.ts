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
 * Decides on the API key of each request. Two faults of the store, two answers: where a key cannot be read nobody
 * gets in (this throws), because an open door is the greater harm; where requests cannot be counted a valid key gets in
 * with a warning, because its application is known and would stand still for want of a number.
 * @param refused told of each refusal with its reason, which the caller does not learn; keys are named by their id
 */
export const admitKey =
  ({
    keys,
    limiter,
    environment,
    warn,
    refused,
  }: {
    readonly keys: Pick<ApiKeyStore, "verify" | "used">;
    readonly limiter: RateLimiter;
    readonly environment: Environment;
    readonly warn: (sentence: string, fault: unknown) => void;
    readonly refused: (refusal: KeyRefusal) => void;
  }): Admit =>
  async ({ given, model }) => {
    const verified = await keys.verify(environment, model, given);
    if (verified.status === "refused") {
      const { reason, keyId } = verified;
      refused({ reason, model, ...(keyId === undefined ? {} : { keyId }) });
      return { status: "refused", answer: reason === "wrong-model" ? 403 : 401 };
    }
    const { key } = verified;
    const [counted] = await Promise.all([
      limiter(`${environment}#${key.id}`, key.rate).catch((fault: unknown) => {
        warn(`a request of the key ${key.id} was let in uncounted`, fault);
        return undefined;
      }),
      keys
        .used(key)
        .catch((fault: unknown) => warn(`the day on which ${key.id} was used was not kept`, fault)),
    ]);
    if (counted === undefined) return { status: "admitted", keyId: key.id };
    const { quota } = counted;
    return counted.admitted
      ? { status: "admitted", keyId: key.id, quota }
      : { status: "throttled", keyId: key.id, quota, retryAfter: counted.retryAfter };
  };
