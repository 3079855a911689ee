import { Hono } from "hono";
import { json, withAnswerHeaders } from "../http-answer.ts";
import type { HttpProblem } from "../http-problem.ts";
import type { Answer } from "../native/answer.ts";
import type { Service } from "../service.ts";
import { predictionRecords } from "./prediction-records.ts";
import { readTable } from "./read-table.ts";

/** Errors as SageMaker's runtime gives them; its clients make exceptions of these names. */
const failure = (status: number, type: string, body: Readonly<Record<string, unknown>>): Response => {
  const response = json(body, status);
  response.headers.set("x-amzn-errortype", type);
  return response;
};

/** Whatever a model's container refuses reaches the caller as ModelError, with what the container said. */
const refuse = (refused: HttpProblem): Response => {
  const whose = refused.status < 500 ? "client" : "server";
  return failure(424, "ModelError", {
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
export const endpointRoutes = (service: Service): Hono => {
  const app = new Hono();
  const { manifest } = service.model;
  const records = predictionRecords(manifest);
  const read = readTable(manifest, "absent");
  const answer = async ({ predictions }: Answer, accept: string): Promise<Response> => {
    if (!/^\s*text\/csv\b/i.test(accept)) return json({ predictions: records(predictions) });
    const { writeCsv } = await import("../csv/write-csv.ts");
    const text = writeCsv(manifest)(predictions, { header: false });
    return new Response(text, { headers: { "content-type": "text/csv; charset=utf-8" } });
  };
  app.post("/endpoints/:name/invocations", async (context) => {
    const name = context.req.param("name");
    if (name !== manifest.name)
      return failure(400, "ValidationError", {
        Message: `Endpoint ${name.slice(0, 64)} not found: ${manifest.name} is served here.`,
      });
    const answered = await service.answer(() => read(context.req.raw));
    if (answered.status === "refused") return refuse(answered.problem);
    const response = await answer(answered.answer, context.req.header("accept") ?? "");
    withAnswerHeaders(response, answered.answer);
    response.headers.set("x-amzn-invoked-production-variant", String(answered.answer.version));
    return response;
  });
  return app;
};
