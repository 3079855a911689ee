import * as z from "zod";
import type { Admit } from "#api-keys/admission.ts";
import { extractApiKey } from "#api-keys/extract-api-key.ts";
import { type AuthorizerContext, toAuthorizerContext } from "#inference/authorization/authorizer-context.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** The parts of an authorizer's event that are read, payload format 2.0. */
const AuthorizerEvent = z.object({
  version: z.literal("2.0"),
  type: z.literal("REQUEST"),
  routeKey: z.string(),
  headers: z.record(z.string(), z.string().optional()).default({}),
});

type AuthorizerResponse =
  | { readonly isAuthorized: true; readonly context: AuthorizerContext }
  | { readonly isAuthorized: false };

/**
 * API Gateway answers 401 to an authorizer that fails with exactly this message, 500 to any other error, and 403 to
 * `isAuthorized: false`. AWS documents this for REST APIs. If HTTP APIs differ, a caller sees 500 instead of 401, and
 * still gets no access.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 */
export class Unauthorized extends SlipwayError {
  override readonly name = "Unauthorized";
  override readonly retryable = false;
  constructor() {
    super("Unauthorized");
  }
}

/** Reads the model from the route that API Gateway chose and will call: the caller's path may name another model. */
const parseModelName = (routeKey: string): string | undefined =>
  routeKey.match(/^ANY \/models\/([a-z][a-z0-9-]{0,39})\/\{proxy\+\}$/)?.[1];

/**
 * The HTTP API's authorizer: admits a request by its API key, in the simple response format. A key over its limit is
 * admitted with `retryAfter` in the context, and the inference function answers 429. Throws Unauthorized, or the
 * store's error: then API Gateway admits no request.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export const authorizeKey =
  ({ admit }: { readonly admit: Admit }) =>
  async (event: unknown): Promise<AuthorizerResponse> => {
    const { routeKey, headers } = AuthorizerEvent.parse(event);
    const model = parseModelName(routeKey);
    if (model === undefined) return { isAuthorized: false };
    const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const admission = await admit({ key: extractApiKey((name) => lower.get(name)), model });
    if (admission.status !== "refused")
      return { isAuthorized: true, context: toAuthorizerContext(admission) };
    if (admission.httpStatus === 401) throw new Unauthorized();
    return { isAuthorized: false };
  };
