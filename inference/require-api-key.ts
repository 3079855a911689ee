import type { MiddlewareHandler } from "hono";
import type { Admission, Admit } from "./admission.ts";
import { admissionHeaders } from "./admission-headers.ts";
import { admissionRefusal, keysUnavailable, type Refusal } from "./admission-refusal.ts";
import { givenKey } from "./given-key.ts";
import { hostRefusal } from "./host-refusal.ts";

const answer = async (request: Request, { problem, headers }: Refusal): Promise<Response> => {
  const response = await hostRefusal(request, problem);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
};

/**
 * What the authorizer does on AWS, as middleware for the HTTP server: 401, 403 or 429 before the body is read, 503
 * where keys cannot be checked, and the `RateLimit` headers on what is answered.
 * @param open paths that need no key: what a container platform probes
 * @param warn told of the fault where keys cannot be checked
 */
export const requireApiKey = ({
  admit,
  model,
  open = ["/health", "/ready"],
  warn,
}: {
  readonly admit: Admit;
  readonly model: string;
  readonly open?: readonly string[];
  readonly warn: (sentence: string, fault: unknown) => void;
}): MiddlewareHandler => {
  const check = async (given: string | undefined): Promise<Admission | undefined> => {
    try {
      return await admit({ given, model });
    } catch (fault) {
      warn("a request was refused because API keys cannot be checked", fault);
      return undefined;
    }
  };
  return async (context, next) => {
    if (open.includes(context.req.path)) return next();
    const admission = await check(givenKey((name) => context.req.header(name)));
    if (admission === undefined) return answer(context.req.raw, keysUnavailable);
    if (admission.status !== "admitted") return answer(context.req.raw, admissionRefusal(admission));
    await next();
    for (const [name, value] of Object.entries(admissionHeaders(admission))) context.header(name, value);
  };
};
