import { Hono } from "hono";
import type { Answer, Question } from "../answer.ts";
import { json, withAnswerHeaders } from "../http-answer.ts";
import { type HttpProblem, problem } from "../problem.ts";
import { readBytes, readJson, readText } from "../read-body.ts";
import { type RowProblem, rowPointer } from "../row-problem.ts";
import type { Service } from "../service.ts";
import { predictionRecords } from "./prediction-records.ts";
import { readFrame } from "./read-frame.ts";

/** Errors as SageMaker's runtime gives them; its clients make exceptions of these names. */
const failure = (status: number, type: string, body: Readonly<Record<string, unknown>>): Response => {
  const response = json(body, status);
  response.headers.set("x-amzn-errortype", type);
  return response;
};

/** Whatever a model's container refuses reaches the caller as ModelError, with what the container said. */
const refuse = (refused: HttpProblem): Response =>
  failure(424, "ModelError", {
    Message: `Received client error (${refused.status}) from the model. ${refused.title}: ${refused.detail}`,
    OriginalStatusCode: refused.status,
    OriginalMessage: JSON.stringify(refused),
  });

/** `{ "instances": [ { "features": [ … ] } ] }`, SageMaker's common form, as rows without names. */
const withoutFeatures = (body: unknown): unknown => {
  if (typeof body !== "object" || body === null || !("instances" in body) || !Array.isArray(body.instances))
    return body;
  return {
    instances: body.instances.map((row: unknown) =>
      typeof row === "object" && row !== null && "features" in row && Array.isArray(row.features)
        ? row.features
        : row,
    ),
  };
};

const throughFeatures =
  (pointer: Question["pointer"]) =>
  (found: RowProblem): string =>
    pointer(found).replace(/^(\/instances\/\d+)\/(\d+)$/, "$1/features/$2");

const readQuestion = async (service: Service, request: Request): Promise<Question | HttpProblem> => {
  const { manifest } = service.model;
  const type = /^\s*([^;\s]*)/.exec(request.headers.get("content-type") ?? "")?.[1]?.toLowerCase();
  if (type !== "application/json" && type !== "text/csv")
    return problem("wrong-content-type", "Send text/csv without a header, or application/json.");
  const bytes = await readBytes(request);
  if (!(bytes instanceof Uint8Array)) return bytes;
  if (type === "application/json") {
    const read = readJson(bytes);
    if (!("json" in read)) return read;
    const question = readFrame(manifest)(withoutFeatures(read.json));
    return "rows" in question ? { ...question, pointer: throughFeatures(question.pointer) } : question;
  }
  const text = readText(bytes);
  if (typeof text !== "string") return text;
  const { readCsv } = await import("../csv/read-csv.ts");
  const read = readCsv(manifest)(text, { header: false });
  return "rows" in read ? { rows: read.rows, pointer: rowPointer("/rows") } : read;
};

/**
 * SageMaker's runtime API, so that its clients work with their endpoint set to this service: POST
 * /endpoints/<model>/invocations. CSV has no header, in either direction: the inputs in the manifest's order; the
 * label and the scores, or the values.
 * Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html and
 * https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
 */
export const endpointRoutes = (service: Service): Hono => {
  const app = new Hono();
  const { manifest } = service.model;
  const records = predictionRecords(manifest);
  const answer = async ({ predictions }: Answer, accept: string): Promise<Response> => {
    if (!/^\s*text\/csv\b/i.test(accept)) return json({ predictions: records(predictions) });
    const { writeCsv } = await import("../csv/write-csv.ts");
    const text = writeCsv(manifest)(predictions, { header: false });
    return new Response(text, { headers: { "content-type": "text/csv; charset=utf-8" } });
  };
  app.post("/endpoints/:name/invocations", async (context) => {
    if (context.req.param("name") !== manifest.name)
      return failure(400, "ValidationError", {
        Message: `Endpoint ${context.req.param("name").slice(0, 64)} not found: ${manifest.name} is served here.`,
      });
    const answered = await service.answer(() => readQuestion(service, context.req.raw));
    if (answered.status === "refused") return refuse(answered.problem);
    const response = await answer(answered.answer, context.req.header("accept") ?? "");
    withAnswerHeaders(response, answered.answer);
    response.headers.set("x-amzn-invoked-production-variant", String(answered.answer.version));
    const attributes = context.req.header("x-amzn-sagemaker-custom-attributes");
    if (attributes !== undefined) response.headers.set("x-amzn-sagemaker-custom-attributes", attributes);
    return response;
  });
  return app;
};
