import type { Admission, Admit } from "#api-keys/admission.ts";
import { extractApiKey } from "#api-keys/extract-api-key.ts";
import { hostProblemResponse } from "#inference/http/adapt-to-protocol.ts";
import type { Middleware } from "#inference/http/app.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { type HttpResponse, withHeaders } from "#inference/http/http-response.ts";
import {
  type AuthorizationProblem,
  keysUnavailableProblem,
  toAuthorizationProblem,
} from "./authorization-problem.ts";
import { toRateLimitHeaders } from "./rate-limit-headers.ts";

const toResponse = (request: HttpRequest, { problem, headers }: AuthorizationProblem): HttpResponse =>
  withHeaders(hostProblemResponse(request, problem), headers);

/** Container platforms probe these without a key. */
const openPaths = ["/health", "/ready"];

/**
 * Middleware that checks API keys, as the authorizer does on AWS: 401, 403 or 429 before the body is read, 503 while keys
 * cannot be checked, and `RateLimit` headers on every other response.
 * @param needsKey which requests need a key; absent: all
 * @param warn gets the error if keys cannot be checked
 */
export const requireApiKey = ({
  admit,
  model,
  needsKey = () => true,
  warn,
}: {
  readonly admit: Admit;
  readonly model: string;
  readonly needsKey?: ((request: HttpRequest) => boolean | Promise<boolean>) | undefined;
  readonly warn: (sentence: string, error: unknown) => void;
}): Middleware => {
  const check = async (
    request: HttpRequest,
    isNeeded: boolean | Promise<boolean>,
  ): Promise<Admission | "open" | undefined> => {
    try {
      if (!(await isNeeded)) return "open";
      return await admit({ key: extractApiKey((name) => request.header(name)), model });
    } catch (error) {
      warn("a request was refused because API keys cannot be checked", error);
      return undefined;
    }
  };
  const handleChecked = async (
    request: HttpRequest,
    isNeeded: boolean | Promise<boolean>,
    next: Parameters<Middleware>[1],
  ): Promise<HttpResponse> => {
    const admission = await check(request, isNeeded);
    if (admission === "open") return next(request);
    if (admission === undefined) return toResponse(request, keysUnavailableProblem);
    if (admission.status !== "admitted") return toResponse(request, toAuthorizationProblem(admission));
    return withHeaders(await next(request), toRateLimitHeaders(admission));
  };
  return (request, next) => {
    const isNeeded = !openPaths.includes(request.path) && needsKey(request);
    return isNeeded === false ? next(request) : handleChecked(request, isNeeded, next);
  };
};
