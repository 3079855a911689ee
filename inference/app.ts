import { adaptToProtocol } from "./http/adapt-to-protocol.ts";
import type { App, Middleware, Offload } from "./http/app.ts";
import { retryAfterSeconds } from "./http/body-unreadable.ts";
import { compressResponse } from "./http/compress-response.ts";
import { createProblem } from "./http/create-problem.ts";
import type { HttpRequest } from "./http/http-request.ts";
import { type HttpResponse, problemResponse, withHeaders } from "./http/http-response.ts";
import { refuseCrossSite } from "./http/refuse-cross-site.ts";
import { createRouter } from "./http/router.ts";
import { withSecurityHeaders } from "./http/security-headers.ts";
import { nativeRoutes } from "./native/native-routes.ts";
import { oipRoutes } from "./oip/oip-routes.ts";
import { openapiRoutes } from "./openapi/openapi-routes.ts";
import { predictionsRoutes } from "./records/predictions-routes.ts";
import { mlflowRoutes } from "./scoring/mlflow-routes.ts";
import { sagemakerRoutes } from "./scoring/sagemaker-routes.ts";
import type { Service } from "./service.ts";

const failedResponse = problemResponse(createProblem("prediction-failed", "The service failed."));

/**
 * The inference service over HTTP, in each of its protocols. Whatever is refused is a problem (RFC 9457). Each answer
 * carries x-request-id, the caller's own where it is 1 to 128 printable characters. What another site's page asks through
 * a person's browser is refused before anything else of it is looked at.
 * @param offload sends requests elsewhere that would hold the event loop; absent: all are answered here, as on Lambda,
 * where there is one at a time
 * @param gate asks each request for its API key, where no gateway has done so before
 * @param hostNames configured names of the host, of which pages may ask as well
 */
export const createApp = (
  service: Service,
  gate?: Middleware,
  offload?: Offload,
  hostNames: readonly string[] = [],
): App => {
  const route = createRouter([
    ...nativeRoutes(service),
    ...predictionsRoutes({ reader: service.records?.reader, log: service.log }),
    ...openapiRoutes(service),
    ...oipRoutes(service),
    ...mlflowRoutes(service),
    ...sagemakerRoutes(service),
  ]);
  const routed = async (request: HttpRequest): Promise<HttpResponse> =>
    adaptToProtocol(request, await (offload ? offload(request, route) : route(request)));
  const whole = async (request: HttpRequest): Promise<HttpResponse> => {
    const refused = refuseCrossSite(request, hostNames);
    if (refused) return adaptToProtocol(request, problemResponse(refused));
    return compressResponse(request, await (gate ? gate(request, routed) : routed(request)));
  };
  return {
    async answer(request) {
      const given = request.header("x-request-id") ?? "";
      const reply = await whole(request).catch((error: unknown) => {
        service.log(
          `a request failed: ${error instanceof Error ? `${error.name}: ${error.message}` : typeof error}`,
        );
        return adaptToProtocol(request, failedResponse);
      });
      const id = /^[\x21-\x7e]{1,128}$/.test(given) ? given : service.newId();
      // Each of them passes: whoever is refused for it reads when to come again.
      const later = reply.status === 503 && reply.headers["retry-after"] === undefined;
      return withHeaders(withSecurityHeaders(reply), {
        "x-request-id": id,
        ...(later ? { "retry-after": String(service.model.retryAfter?.() ?? retryAfterSeconds) } : {}),
      });
    },
  };
};
