import type { HttpProblem } from "#inference/http/http-problem.ts";
import { type HttpReply, json } from "#inference/http/http-reply.ts";
import { problem } from "#inference/http/problem.ts";
import type { Route } from "#inference/http/router.ts";
import { withAnswerHeaders } from "#inference/http/with-answer-headers.ts";
import type { Service } from "#inference/service.ts";
import { predictionRecords } from "./prediction-records.ts";
import { readTable } from "./read-table.ts";

/** The version of MLflow whose scoring protocol this is. */
const mlflowVersion = "3.17.2";
const plain = (body: string): HttpReply => ({ status: 200, headers: { "content-type": "text/plain" }, body });

/** MLflow's own names for what these problems are (mlflow/protos/databricks.proto). */
const errorCodes: Readonly<Record<number, string>> = {
  429: "REQUEST_LIMIT_EXCEEDED",
  500: "INTERNAL_ERROR",
  503: "TEMPORARILY_UNAVAILABLE",
};

/** A problem that MLflow's own clients understand as well: they read `error_code` and `message`. */
const refuse = (refused: HttpProblem): HttpReply => {
  const found = (refused.errors ?? []).slice(0, 10).map(({ pointer, detail }) => `${pointer} ${detail}`);
  const body = {
    ...refused,
    error_code: errorCodes[refused.status] ?? "BAD_REQUEST",
    message: [`${refused.title}: ${refused.detail}`, ...found].join("\n"),
  };
  return json(body, refused.status, "application/problem+json");
};

/**
 * MLflow's scoring protocol: /ping, /version, POST /invocations with data frames in JSON or CSV with a header. Answers
 * `{ predictions }`, a record for each row, as the model that Slipway registers in MLflow answers in Python.
 */
export const scoringRoutes = (service: Service): readonly Route[] => {
  const { manifest } = service.model;
  const records = predictionRecords(manifest);
  const read = readTable(manifest, "present");
  return [
    {
      method: "GET",
      path: "/ping",
      respond: async () =>
        (await service.ready())
          ? plain("\n")
          : refuse(problem("not-ready", "The model did not answer its own test row.")),
    },
    { method: "GET", path: "/version", respond: () => plain(mlflowVersion) },
    {
      method: "POST",
      path: "/invocations",
      async respond(request) {
        const answered = await service.answer(() => read(request));
        if (answered.status === "refused") return refuse(answered.problem);
        const predictions = records(answered.answer.predictions);
        return withAnswerHeaders(json({ predictions }), answered.answer);
      },
    },
  ];
};
