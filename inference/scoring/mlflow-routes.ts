import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { type HttpResponse, jsonResponse } from "#inference/http/http-response.ts";
import type { Route } from "#inference/http/router.ts";
import { withPredictionHeaders } from "#inference/http/with-prediction-headers.ts";
import type { Service } from "#inference/service.ts";
import { toDataFrameRecords } from "./data-frame-records.ts";
import { readTableRequest } from "./read-table-request.ts";

/** The version of MLflow whose scoring protocol this is. */
const mlflowVersion = "3.17.2";
const textResponse = (body: string): HttpResponse => ({
  status: 200,
  headers: { "content-type": "text/plain" },
  body,
});

/** MLflow's own names for what these problems are (mlflow/protos/databricks.proto). */
const errorCodes: Readonly<Record<number, string>> = {
  429: "REQUEST_LIMIT_EXCEEDED",
  500: "INTERNAL_ERROR",
  503: "TEMPORARILY_UNAVAILABLE",
};

/** A problem that MLflow's own clients understand as well: they read `error_code` and `message`. */
const mlflowErrorResponse = (refused: HttpProblem): HttpResponse => {
  const found = (refused.errors ?? []).slice(0, 10).map(({ pointer, detail }) => `${pointer} ${detail}`);
  const body = {
    ...refused,
    error_code: errorCodes[refused.status] ?? "BAD_REQUEST",
    message: [`${refused.title}: ${refused.detail}`, ...found].join("\n"),
  };
  return jsonResponse(body, refused.status, "application/problem+json");
};

/**
 * MLflow's scoring protocol: /ping, /version, POST /invocations with data frames in JSON or CSV with a header. Answers
 * `{ predictions }`, a record for each row, as the model that Slipway registers in MLflow answers in Python.
 */
export const mlflowRoutes = (service: Service): readonly Route[] => {
  const { manifest } = service.model;
  const records = toDataFrameRecords(manifest);
  const read = readTableRequest(manifest, "present");
  return [
    {
      method: "GET",
      path: "/ping",
      respond: async () =>
        (await service.ready())
          ? textResponse("\n")
          : mlflowErrorResponse(createProblem("not-ready", "The model did not answer its own test row.")),
    },
    { method: "GET", path: "/version", respond: () => textResponse(mlflowVersion) },
    {
      method: "POST",
      path: "/invocations",
      async respond(request) {
        const answered = await service.answer(() => read(request));
        if (answered.status === "refused") return mlflowErrorResponse(answered.problem);
        const predictions = records(answered.answer.predictions);
        return withPredictionHeaders(jsonResponse({ predictions }), answered.answer);
      },
    },
  ];
};
