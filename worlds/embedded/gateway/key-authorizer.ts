import { createHash, timingSafeEqual } from "node:crypto";
import { admitKey } from "#api-keys/admit-key.ts";
import type { ApiKeyStore } from "#api-keys/api-key-store.ts";
import { extractApiKey } from "#api-keys/extract-api-key.ts";
import { createRateLimiter } from "#api-keys/rate-limiter.ts";
import {
  type AuthorizationProblem,
  keysUnavailableProblem,
  toAuthorizationProblem,
} from "#inference/authorization/authorization-problem.ts";
import { type AuthorizerContext, toAuthorizerContext } from "#inference/authorization/authorizer-context.ts";
import { isRecordsPath } from "#inference/records/is-records-path.ts";
import type { Environment } from "#platform/serving/serving.ts";
import type { Store } from "#platform/store/store.ts";
import type { Log } from "#worlds/embedded/capabilities.ts";

/** Decides whether a request may reach a model: refused, or admitted with the key's context for the function. */
export type AuthorizeRequest = (
  request: Request,
  environment: Environment,
  model: string,
) => Promise<
  { readonly refused: AuthorizationProblem } | { readonly context: AuthorizerContext | undefined }
>;

const sha256 = (text: string) => createHash("sha256").update(text).digest();

/**
 * Does what the HTTP API's authorizer does on AWS, with one difference: without a key for it, a model is open, so that a
 * rehearsal works without keys. Records are open until a key for any model exists.
 * @param token the rehearsal's own callers, for example its synthetic application, send it in place of a key
 */
export const createKeyAuthorizer = ({
  keys,
  store,
  token,
  clock,
  log,
}: {
  readonly keys: ApiKeyStore;
  readonly store: Store;
  readonly token: string;
  readonly clock: () => number;
  readonly log: Log;
}): AuthorizeRequest => {
  const limiter = createRateLimiter({ store, clock, warn: log });
  const admitting = (environment: Environment) =>
    admitKey({
      keys,
      limiter,
      environment,
      warn: log,
      logRefusal: ({ reason, model, keyId }) =>
        log(`[${environment} ${model}] API key${keyId === undefined ? "" : ` ${keyId}`} refused: ${reason}`),
    });
  const admit = { stage: admitting("stage"), prod: admitting("prod") };
  const tokenHash = sha256(token);

  return async (request, environment, model) => {
    const key = extractApiKey((name) => request.headers.get(name) ?? undefined);
    if (key !== undefined && timingSafeEqual(sha256(key), tokenHash)) return { context: undefined };
    try {
      const { pathname } = new URL(request.url);
      const prefix = `/${environment}/models/${model}`;
      // After an encoded model name (`c%68urn`) the path is unknown, so assume records.
      const mayReadRecords = !pathname.startsWith(prefix) || isRecordsPath(pathname.slice(prefix.length));
      // After the first key of any model, users expect that records are unreadable without a key.
      const needsKey =
        (await keys.coversModel(environment, model)) || (mayReadRecords && (await keys.hasAnyKey()));
      if (!needsKey) return { context: undefined };
      const admission = await admit[environment]({ key, model });
      return admission.status === "refused"
        ? { refused: toAuthorizationProblem(admission) }
        : { context: toAuthorizerContext(admission) };
    } catch (error) {
      log("a request was refused, because API keys cannot be checked", error);
      return { refused: keysUnavailableProblem };
    }
  };
};
