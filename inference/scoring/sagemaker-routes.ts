import type { HttpProblem } from "#inference/http/http-problem.ts";
import { type HttpResponse, jsonResponse, withHeaders } from "#inference/http/http-response.ts";
import type { Route } from "#inference/http/router.ts";
import { withPredictionHeaders } from "#inference/http/with-prediction-headers.ts";
import type { Service } from "#inference/service.ts";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { toDataFrameRecords } from "./data-frame-records.ts";
import { readTableRequest } from "./read-table-request.ts";

/** An error of SageMaker's runtime; its clients raise exceptions with these names. */
const errorResponse = (status: number, type: string, body: Readonly<Record<string, unknown>>): HttpResponse =>
  withHeaders(jsonResponse(body, status), { "x-amzn-errortype": type });

/** SageMaker returns every error of a model's container as ModelError with the container's message. */
const modelErrorResponse = (problem: HttpProblem): HttpResponse => {
  const side = problem.status < 500 ? "client" : "server";
  return errorResponse(424, "ModelError", {
    Message: `Received ${side} error (${problem.status}) from the model. ${problem.title}: ${problem.detail}`,
    OriginalStatusCode: problem.status,
    OriginalMessage: JSON.stringify(problem),
  });
};

/**
 * SageMaker's runtime API, for its clients with this service as their endpoint: POST /endpoints/<model>/invocations. CSV has
 * no header in requests (the inputs in the manifest's order) and responses (label, band if the manifest has bands, scores;
 * or the values). JSON is as in MLflow's protocol, and an instance may be `{ "features": [ … ] }`.
 * Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html and
 * https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
 */
export const sagemakerRoutes = (service: Service): readonly Route[] => {
  const { manifest } = service.model;
  const toRecords = toDataFrameRecords(manifest);
  const read = readTableRequest(manifest, "absent");
  const toResponse = async (predictions: Prediction[], accept: string): Promise<HttpResponse> => {
    if (!/^\s*text\/csv\b/i.test(accept)) return jsonResponse({ predictions: toRecords(predictions) });
    const { writeCsv } = await import("#inference/csv/write-csv.ts");
    const body = writeCsv(manifest)(predictions, { header: false });
    return { status: 200, headers: { "content-type": "text/csv; charset=utf-8" }, body };
  };
  return [
    {
      method: "POST",
      path: "/endpoints/:name/invocations",
      async respond(request, { name = "" }) {
        if (name !== manifest.name)
          return errorResponse(400, "ValidationError", {
            Message: `Endpoint ${name.slice(0, 64)} not found: this service has ${manifest.name}.`,
          });
        const result = await service.predict(() => read(request));
        if (result.status === "refused") return modelErrorResponse(result.problem);
        const response = await toResponse(result.predicted.toArray(), request.header("accept") ?? "");
        return withHeaders(withPredictionHeaders(response, result.response), {
          "x-amzn-invoked-production-variant": String(result.response.version),
        });
      },
    },
  ];
};
