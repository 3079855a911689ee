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
  createProblem("not-ready", "The model did not answer its own test row."),
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

  /** Refuses every model but the one that is served here, and every version but its own. */
  const here =
    (respond: RouteHandler): RouteHandler =>
    (request, params) => {
      const { name, version } = params;
      const known =
        name === identity.model && (version ?? description.versions[0]) === description.versions[0];
      return known
        ? respond(request, params)
        : problemResponse(
            createProblem(
              "not-found",
              `Here is ${identity.model}, version ${identity.version}, and nothing else.`,
            ),
          );
    };
  const infer = async (request: HttpRequest): Promise<HttpResponse> => {
    let inference: InferRequest | undefined;
    const answered = await service.answer(async () => {
      const found = await read(request);
      if ("status" in found) return found;
      inference = found;
      return found.question;
    });
    if (answered.status === "refused") return problemResponse(answered.problem);
    return withPredictionHeaders(
      writeInferResponse(answered.answer, inference?.id, inference?.outputs ?? []),
      answered.answer,
    );
  };
  const whenReady = (reply: HttpResponse) => async (): Promise<HttpResponse> =>
    (await service.ready()) ? reply : notReadyResponse;
  const get = (path: string, respond: RouteHandler): Route => ({ method: "GET", path, respond });

  return [
    // The specification's text says /v2, its OpenAPI description /v2/.
    get("/v2", () => jsonResponse(serverMetadata)),
    get("/v2/", () => jsonResponse(serverMetadata)),
    get("/v2/health/live", () => jsonResponse({ live: true })),
    // The specification calls it live here too; clients and servers alike read and write `ready`.
    get("/v2/health/ready", whenReady(jsonResponse({ ready: true, live: true }))),
    ...["/v2/models/:name", "/v2/models/:name/versions/:version"].flatMap((path): Route[] => [
      get(
        path,
        here(() => jsonResponse(description)),
      ),
      get(`${path}/ready`, here(whenReady(jsonResponse({ name: identity.model, ready: true })))),
      { method: "POST", path: `${path}/infer`, respond: here(infer) },
    ]),
  ];
};
