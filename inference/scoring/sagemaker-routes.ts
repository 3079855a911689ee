import type { HttpProblem } from "#inference/http/http-problem.ts";
import { type HttpResponse, jsonResponse, withHeaders } from "#inference/http/http-response.ts";
import type { Route } from "#inference/http/router.ts";
import { withPredictionHeaders } from "#inference/http/with-prediction-headers.ts";
import type { PredictResponse } from "#inference/native/predict-response.ts";
import type { Service } from "#inference/service.ts";
import { toDataFrameRecords } from "./data-frame-records.ts";
import { readTableRequest } from "./read-table-request.ts";

/** Errors as SageMaker's runtime gives them; its clients make exceptions of these names. */
const errorResponse = (status: number, type: string, body: Readonly<Record<string, unknown>>): HttpResponse =>
  withHeaders(jsonResponse(body, status), { "x-amzn-errortype": type });

/** Whatever a model's container refuses reaches the caller as ModelError, with what the container said. */
const modelErrorResponse = (refused: HttpProblem): HttpResponse => {
  const whose = refused.status < 500 ? "client" : "server";
  return errorResponse(424, "ModelError", {
    Message: `Received ${whose} error (${refused.status}) from the model. ${refused.title}: ${refused.detail}`,
    OriginalStatusCode: refused.status,
    OriginalMessage: JSON.stringify(refused),
  });
};

/**
 * SageMaker's runtime API, so that its clients work with their endpoint set to this service: POST
 * /endpoints/<model>/invocations. CSV has no header, in either direction: the inputs in the manifest's order; the
 * label, its band where the manifest has bands, and the scores, or the values. JSON is as in MLflow's protocol, and
 * an instance may be `{ "features": [ … ] }`.
 * Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html and
 * https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
 */
export const sagemakerRoutes = (service: Service): readonly Route[] => {
  const { manifest } = service.model;
  const records = toDataFrameRecords(manifest);
  const read = readTableRequest(manifest, "absent");
  const answer = async ({ predictions }: PredictResponse, accept: string): Promise<HttpResponse> => {
    if (!/^\s*text\/csv\b/i.test(accept)) return jsonResponse({ predictions: records(predictions) });
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
            Message: `Endpoint ${name.slice(0, 64)} not found: ${manifest.name} is served here.`,
          });
        const answered = await service.answer(() => read(request));
        if (answered.status === "refused") return modelErrorResponse(answered.problem);
        const reply = await answer(answered.answer, request.header("accept") ?? "");
        return withHeaders(withPredictionHeaders(reply, answered.answer), {
          "x-amzn-invoked-production-variant": String(answered.answer.version),
        });
      },
    },
  ];
};
