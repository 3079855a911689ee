import * as z from "zod";
import type { Admit } from "#api-keys/admission.ts";
import { extractApiKey } from "#api-keys/extract-api-key.ts";
import { type AuthorizerContext, toAuthorizerContext } from "#inference/authorization/authorizer-context.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** What is read of an authorizer's event, payload format 2.0. */
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
 * API Gateway answers 401 to an authorizer that fails with this one message, 500 to any other, and 403 to
 * `isAuthorized: false`. AWS writes so of REST APIs; were HTTP APIs otherwise, the 401 would be a 500, and nobody got in.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 */
export class Unauthorized extends SlipwayError {
  override readonly name = "Unauthorized";
  override readonly retryable = false;
  constructor() {
    super("Unauthorized");
  }
}

/** The model by the route that API Gateway chose, which is the one that it will call: the path says it only in its own words. */
const parseModelName = (routeKey: string): string | undefined =>
  routeKey.match(/^ANY \/models\/([a-z][a-z0-9-]{0,39})\/\{proxy\+\}$/)?.[1];

/**
 * The HTTP API's authorizer: lets a request in by its API key, in simple responses. A key over its limit is let in
 * with `retryAfter` in the context, and the inference function answers 429. Throws Unauthorized, or what the store
 * throws: then API Gateway lets nobody in.
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
