import { Hono } from "hono";
import { json, withAnswerHeaders } from "../http-answer.ts";
import type { HttpProblem } from "../http-problem.ts";
import { problem } from "../problem.ts";
import type { Service } from "../service.ts";
import { predictionRecords } from "./prediction-records.ts";
import { readTable } from "./read-table.ts";

/** The version of MLflow whose scoring protocol this is. */
const mlflowVersion = "3.17.2";
const plain = (text: string): Response => new Response(text, { headers: { "content-type": "text/plain" } });

/** MLflow's own names for what these problems are (mlflow/protos/databricks.proto). */
const errorCodes: Readonly<Record<number, string>> = {
  429: "REQUEST_LIMIT_EXCEEDED",
  500: "INTERNAL_ERROR",
  503: "TEMPORARILY_UNAVAILABLE",
};

/** A problem that MLflow's own clients understand as well: they read `error_code` and `message`. */
const refuse = (refused: HttpProblem): Response => {
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
export const scoringRoutes = (service: Service): Hono => {
  const app = new Hono();
  const { manifest } = service.model;
  const records = predictionRecords(manifest);
  const read = readTable(manifest, "present");
  app.get("/ping", async () =>
    (await service.ready())
      ? plain("\n")
      : refuse(problem("not-ready", "The model did not answer its own test row.")),
  );
  app.get("/version", () => plain(mlflowVersion));
  app.post("/invocations", async (context) => {
    const answered = await service.answer(() => read(context.req.raw));
    if (answered.status === "refused") return refuse(answered.problem);
    const predictions = records(answered.answer.predictions);
    return withAnswerHeaders(json({ predictions }), answered.answer);
  });
  return app;
};
