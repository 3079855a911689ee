import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { type HttpResponse, jsonResponse, problemResponse } from "#inference/http/http-response.ts";
import type { Route, RouteHandler } from "#inference/http/router.ts";
import { withPredictionHeaders } from "#inference/http/with-prediction-headers.ts";
import type { Service } from "#inference/service.ts";
import { serverMetadata, toModelMetadata } from "./model-metadata.ts";
import { modelOutputs } from "./model-outputs.ts";
import { type InferRequest, readInferRequest } from "./read-infer-request.ts";
import { writeInferResponse } from "./write-infer-response.ts";

const notReadyResponse = problemResponse(
  createProblem("not-ready", "The model cannot predict its sample row yet: try again."),
);

/**
 * The Open Inference Protocol, version 2, over REST, with the binary tensor data and classification extensions.
 * Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
export const oipRoutes = (service: Service): readonly Route[] => {
  const { model, identity } = service;
  const description = toModelMetadata(service);
  const outputs = modelOutputs(model.manifest);
  const read = readInferRequest(model.manifest.inputs, outputs);

  /** Refuses all models and versions except the served one. */
  const forServedModel =
    (respond: RouteHandler): RouteHandler =>
    (request, params) => {
      const { name, version } = params;
      const isServed =
        name === identity.model && (version ?? description.versions[0]) === description.versions[0];
      return isServed
        ? respond(request, params)
        : problemResponse(
            createProblem(
              "not-found",
              `This service has only ${identity.model}, version ${identity.version}.`,
            ),
          );
    };
  const infer = async (request: HttpRequest): Promise<HttpResponse> => {
    let inferRequest: InferRequest | undefined;
    const result = await service.predict(async () => {
      const parsed = await read(request);
      if ("status" in parsed) return parsed;
      inferRequest = parsed;
      return parsed.predictRequest;
    });
    if (result.status === "refused") return problemResponse(result.problem);
    return withPredictionHeaders(
      writeInferResponse(result, inferRequest?.id, inferRequest?.outputs ?? []),
      result.response,
    );
  };
  const whenReady = (response: HttpResponse) => async (): Promise<HttpResponse> =>
    (await service.ready()) ? response : notReadyResponse;
  const get = (path: string, respond: RouteHandler): Route => ({ method: "GET", path, respond });

  return [
    // The specification's text has /v2, its OpenAPI document /v2/.
    get("/v2", () => jsonResponse(serverMetadata)),
    get("/v2/", () => jsonResponse(serverMetadata)),
    get("/v2/health/live", () => jsonResponse({ live: true })),
    // The specification names the field `live` here too, but clients and servers use `ready`.
    get("/v2/health/ready", whenReady(jsonResponse({ ready: true, live: true }))),
    ...["/v2/models/:name", "/v2/models/:name/versions/:version"].flatMap((path): Route[] => [
      get(
        path,
        forServedModel(() => jsonResponse(description)),
      ),
      get(`${path}/ready`, forServedModel(whenReady(jsonResponse({ name: identity.model, ready: true })))),
      { method: "POST", path: `${path}/infer`, respond: forServedModel(infer) },
    ]),
  ];
};
