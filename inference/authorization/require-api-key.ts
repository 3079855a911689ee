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

/** What a container platform probes needs no key. */
const openPaths = ["/health", "/ready"];

/**
 * What the authorizer does on AWS, as a gate of the HTTP server: 401, 403 or 429 before the body is read, 503
 * where keys cannot be checked, and the `RateLimit` headers on what is answered.
 * @param needsKey which requests need a key; absent: all
 * @param warn told of the fault where keys cannot be checked
 */
export const requireApiKey = ({
  admit,
  model,
  needsKey = async () => true,
  warn,
}: {
  readonly admit: Admit;
  readonly model: string;
  readonly needsKey?: ((request: HttpRequest) => Promise<boolean>) | undefined;
  readonly warn: (sentence: string, fault: unknown) => void;
}): Middleware => {
  const check = async (request: HttpRequest): Promise<Admission | "open" | undefined> => {
    try {
      if (!(await needsKey(request))) return "open";
      return await admit({ given: extractApiKey((name) => request.header(name)), model });
    } catch (fault) {
      warn("a request was refused because API keys cannot be checked", fault);
      return undefined;
    }
  };
  return async (request, answer) => {
    if (openPaths.includes(request.path)) return answer(request);
    const admission = await check(request);
    if (admission === "open") return answer(request);
    if (admission === undefined) return toResponse(request, keysUnavailableProblem);
    if (admission.status !== "admitted") return toResponse(request, toAuthorizationProblem(admission));
    return withHeaders(await answer(request), toRateLimitHeaders(admission));
  };
};
