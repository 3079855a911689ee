import { adaptToProtocol } from "./http/adapt-to-protocol.ts";
import type { App, Middleware, Offload } from "./http/app.ts";
import { retryAfterSeconds } from "./http/body-unreadable.ts";
import { compressResponse } from "./http/compress-response.ts";
import { createProblem } from "./http/create-problem.ts";
import type { HttpRequest } from "./http/http-request.ts";
import { type HttpResponse, problemResponse, withHeaders } from "./http/http-response.ts";
import { refuseCrossSite } from "./http/refuse-cross-site.ts";
import { createRouter, type Router } from "./http/router.ts";
import { withSecurityHeaders } from "./http/security-headers.ts";
import { nativeRoutes } from "./native/native-routes.ts";
import { openapiRoutes } from "./openapi/openapi-routes.ts";
import type { Service } from "./service.ts";

/** The protocols that are loaded with the first request for one of their paths, to keep cold starts short. */
const createLateRouter = (service: Service): Router => {
  let route: Router | undefined;
  return async (request) => {
    if (!route) {
      const { protocolRoutes } = await import("./protocol-routes.ts");
      route ??= createRouter(protocolRoutes(service));
    }
    return route(request);
  };
};

/** The caller's own id of a request if it has 1 to 128 printable characters, otherwise a new one. */
export const chooseRequestId = (request: HttpRequest, newId: () => string): string => {
  const callerId = request.header("x-request-id") ?? "";
  return /^[\x21-\x7e]{1,128}$/.test(callerId) ? callerId : newId();
};

const failedResponse = problemResponse(createProblem("prediction-failed", "The service failed."));

/**
 * The inference service over HTTP, in all its protocols. Every refusal is a problem (RFC 9457). Every response has an
 * x-request-id: the caller's own if it has 1 to 128 printable characters. Cross-site requests from a browser are refused
 * first.
 * @param offload handles requests elsewhere that would block the event loop; absent: none, as on Lambda, which sends one
 * request at a time
 * @param middleware checks each request's API key, unless a gateway did
 * @param hostNames configured host names, whose pages may send requests
 */
export const createApp = (
  service: Service,
  middleware?: Middleware,
  offload?: Offload,
  hostNames: readonly string[] = [],
): App => {
  const route = createRouter(
    [...nativeRoutes(service), ...openapiRoutes(service)],
    createLateRouter(service),
  );
  const handleRoute = async (request: HttpRequest): Promise<HttpResponse> =>
    adaptToProtocol(request, await (offload ? offload(request, route) : route(request)));
  const handleRequest = async (request: HttpRequest): Promise<HttpResponse> => {
    const problem = refuseCrossSite(request, hostNames);
    if (problem) return adaptToProtocol(request, problemResponse(problem));
    return compressResponse(
      request,
      await (middleware ? middleware(request, handleRoute) : handleRoute(request)),
    );
  };
  return {
    async handle(request) {
      const response = await handleRequest(request).catch((error: unknown) => {
        service.log(
          `a request failed: ${error instanceof Error ? `${error.name}: ${error.message}` : typeof error}`,
        );
        return adaptToProtocol(request, failedResponse);
      });
      // Every 503 is temporary and must say when to retry.
      const needsRetryAfter = response.status === 503 && response.headers["retry-after"] === undefined;
      // A prediction has an id already, which nobody else has.
      const newId = () => response.headers["x-prediction-id"] ?? service.newId();
      const identified = withSecurityHeaders(response, { "x-request-id": chooseRequestId(request, newId) });
      return needsRetryAfter
        ? withHeaders(identified, {
            "retry-after": String(service.model.retryAfter?.() ?? retryAfterSeconds),
          })
        : identified;
    },
  };
};
