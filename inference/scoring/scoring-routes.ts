import { Hono } from "hono";
import type { Question } from "../answer.ts";
import { json, withAnswerHeaders } from "../http-answer.ts";
import { type HttpProblem, problem } from "../problem.ts";
import { readBytes, readJson, readText } from "../read-body.ts";
import { rowPointer } from "../row-problem.ts";
import type { Service } from "../service.ts";
import { predictionRecords } from "./prediction-records.ts";
import { readFrame } from "./read-frame.ts";

/** The version of MLflow whose scoring protocol this is. */
const mlflowVersion = "3.14.0";
const plain = (text: string): Response => new Response(text, { headers: { "content-type": "text/plain" } });

/** A problem that MLflow's own clients understand as well: they read `error_code` and `message`. */
const refuse = (refused: HttpProblem): Response =>
  json(
    {
      ...refused,
      error_code: refused.status < 500 ? "BAD_REQUEST" : "INTERNAL_ERROR",
      message: [
        refused.detail,
        ...(refused.errors ?? []).map(({ pointer, detail }) => `${pointer} ${detail}`),
      ]
        .slice(0, 11)
        .join("\n"),
    },
    refused.status,
    "application/problem+json",
  );

const readQuestion = async (service: Service, request: Request): Promise<Question | HttpProblem> => {
  const { manifest } = service.model;
  const type = /^\s*([^;\s]*)/.exec(request.headers.get("content-type") ?? "")?.[1]?.toLowerCase();
  if (type !== "application/json" && type !== "text/csv")
    return problem("wrong-content-type", "Send application/json or text/csv.");
  const bytes = await readBytes(request);
  if (!(bytes instanceof Uint8Array)) return bytes;
  if (type === "application/json") {
    const read = readJson(bytes);
    return "json" in read ? readFrame(manifest)(read.json) : read;
  }
  const text = readText(bytes);
  if (typeof text !== "string") return text;
  const { readCsv } = await import("../csv/read-csv.ts");
  const read = readCsv(manifest)(text, { header: true });
  return "rows" in read ? { rows: read.rows, pointer: rowPointer("/rows") } : read;
};

/**
 * MLflow's scoring protocol: /ping, /version, POST /invocations with data frames in JSON or CSV with a header. Answers
 * `{ predictions }`, a record for each row, as the model that Slipway registers in MLflow answers in Python.
 */
export const scoringRoutes = (service: Service): Hono => {
  const app = new Hono();
  const records = predictionRecords(service.model.manifest);
  app.get("/ping", async () =>
    (await service.ready())
      ? plain("\n")
      : refuse(problem("not-ready", "The model did not answer its own test row.")),
  );
  app.get("/version", () => plain(mlflowVersion));
  app.post("/invocations", async (context) => {
    const answered = await service.answer(() => readQuestion(service, context.req.raw));
    if (answered.status === "refused") return refuse(answered.problem);
    const predictions = records(answered.answer.predictions);
    return withAnswerHeaders(json({ predictions }), answered.answer);
  });
  return app;
};
