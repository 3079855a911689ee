import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { type HttpResponse, jsonResponse } from "#inference/http/http-response.ts";
import type { Route } from "#inference/http/router.ts";
import { withPredictionHeaders } from "#inference/http/with-prediction-headers.ts";
import type { Service } from "#inference/service.ts";
import { toDataFrameRecords } from "./data-frame-records.ts";
import { readTableRequest } from "./read-table-request.ts";

/** The MLflow version of this scoring protocol. */
const mlflowVersion = "3.17.2";
const textResponse = (body: string): HttpResponse => ({
  status: 200,
  headers: { "content-type": "text/plain" },
  body,
});

/** MLflow's names for these errors (mlflow/protos/databricks.proto). */
const errorCodes: Readonly<Record<number, string>> = {
  429: "REQUEST_LIMIT_EXCEEDED",
  500: "INTERNAL_ERROR",
  503: "TEMPORARILY_UNAVAILABLE",
};

/** A problem that MLflow's clients understand too: they read `error_code` and `message`. */
const mlflowErrorResponse = (problem: HttpProblem): HttpResponse => {
  const errors = (problem.errors ?? []).slice(0, 10).map(({ pointer, detail }) => `${pointer} ${detail}`);
  const body = {
    ...problem,
    error_code: errorCodes[problem.status] ?? "BAD_REQUEST",
    message: [`${problem.title}: ${problem.detail}`, ...errors].join("\n"),
  };
  return jsonResponse(body, problem.status, "application/problem+json");
};

/**
 * MLflow's scoring protocol: /ping, /version, POST /invocations with data frames in JSON or CSV with a header. The response
 * `{ predictions }` has a record per row, equal to those of the registered model in Python.
 */
export const mlflowRoutes = (service: Service): readonly Route[] => {
  const { manifest } = service.model;
  const toRecords = toDataFrameRecords(manifest);
  const read = readTableRequest(manifest, "present");
  return [
    {
      method: "GET",
      path: "/ping",
      respond: async () =>
        (await service.ready())
          ? textResponse("\n")
          : mlflowErrorResponse(
              createProblem("not-ready", "The model cannot predict its sample row yet: try again."),
            ),
    },
    { method: "GET", path: "/version", respond: () => textResponse(mlflowVersion) },
    {
      method: "POST",
      path: "/invocations",
      async respond(request) {
        const result = await service.predict(() => read(request));
        if (result.status === "refused") return mlflowErrorResponse(result.problem);
        const predictions = toRecords(result.predicted.toArray());
        return withPredictionHeaders(jsonResponse({ predictions }), result.response);
      },
    },
  ];
};
