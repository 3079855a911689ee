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
import type { Log } from "#worlds/embedded/world.ts";

/** Whether a request may reach a model: refused, or let in with what the function is told of its key. */
export type AuthorizeRequest = (
  request: Request,
  environment: Environment,
  model: string,
) => Promise<
  { readonly refused: AuthorizationProblem } | { readonly context: AuthorizerContext | undefined }
>;

const sha256 = (text: string) => createHash("sha256").update(text).digest();

/**
 * What the HTTP API's authorizer does on AWS, with one difference: a model is open until a first key for it is made,
 * so that a rehearsal can be called without any. Its records are open until a first key of any model is made.
 * @param token the rehearsal's own callers, its application among them, show this instead of a key
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
  const own = sha256(token);

  return async (request, environment, model) => {
    const given = extractApiKey((name) => request.headers.get(name) ?? undefined);
    if (given !== undefined && timingSafeEqual(sha256(given), own)) return { context: undefined };
    try {
      const { pathname } = new URL(request.url);
      const prefix = `/${environment}/models/${model}`;
      // A model's name that is written otherwise than it is (`c%68urn`) hides what comes behind it.
      const records = !pathname.startsWith(prefix) || isRecordsPath(pathname.slice(prefix.length));
      // Whoever made a key, of any model, does not expect that what others sent is read without one.
      const needsKey = (await keys.coversModel(environment, model)) || (records && (await keys.hasAnyKey()));
      if (!needsKey) return { context: undefined };
      const admission = await admit[environment]({ key: given, model });
      return admission.status === "refused"
        ? { refused: toAuthorizationProblem(admission) }
        : { context: toAuthorizerContext(admission) };
    } catch (fault) {
      log("a request was refused because API keys cannot be checked", fault);
      return { refused: keysUnavailableProblem };
    }
  };
};
