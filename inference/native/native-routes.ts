import { Hono } from "hono";
import type { Question } from "../answer.ts";
import { entityTag } from "../entity-tag.ts";
import { json, refuse, withAnswerHeaders } from "../http-answer.ts";
import type { HttpProblem } from "../http-problem.ts";
import { problem } from "../problem.ts";
import { readBytes, readJson, readText } from "../read-body.ts";
import { rowPointer } from "../row-problem.ts";
import type { Service } from "../service.ts";
import type { Answer } from "./answer.ts";
import { describeModel } from "./describe-model.ts";
import { nativeQuestion } from "./native-question.ts";

const mediaType = /^(application\/json|text\/csv)\s*(;\s*(charset="?utf-8"?|header=present)\s*)*$/i;

/** A question in JSON or CSV. CSV has a header; its pointers are those of the rows in JSON. */
const readQuestion = async (service: Service, request: Request): Promise<Question | HttpProblem> => {
  const type = mediaType.exec(request.headers.get("content-type") ?? "")?.[1]?.toLowerCase();
  if (!type) return problem("wrong-content-type", "Send application/json or text/csv, in UTF-8.");
  const bytes = await readBytes(request);
  if (!(bytes instanceof Uint8Array)) return bytes;
  if (type === "application/json") {
    const read = readJson(bytes, service.model.manifest);
    return "json" in read ? nativeQuestion(read.json) : read;
  }
  const text = readText(bytes);
  if (typeof text !== "string") return text;
  const { readCsv } = await import("../csv/read-csv.ts");
  const read = readCsv(service.model.manifest)(text, { header: true });
  return "rows" in read ? { rows: read.rows, pointer: rowPointer("/rows") } : read;
};

const answerCsv = async ({ model }: Service, { predictions }: Answer): Promise<Response> => {
  const { writeCsv } = await import("../csv/write-csv.ts");
  return new Response(writeCsv(model.manifest)(predictions, { header: true }), {
    headers: { "content-type": "text/csv; charset=utf-8; header=present" },
  });
};

/** Slipway's own protocol: POST /v1/predict, GET /v1/model, /health (the process lives), /ready (the model answered a row). */
export const nativeRoutes = (service: Service): Hono => {
  const app = new Hono();
  const description = describeModel(service);
  app.post("/v1/predict", async (context) => {
    const answered = await service.answer(() => readQuestion(service, context.req.raw));
    if (answered.status === "refused") return refuse(answered.problem);
    const accepted = context.req.header("accept") ?? "";
    const response = /^\s*text\/csv\b/i.test(accepted)
      ? await answerCsv(service, answered.answer)
      : json(answered.answer);
    return withAnswerHeaders(response, answered.answer);
  });
  app.get("/v1/model", entityTag(), (context) =>
    context.json(description, 200, { "cache-control": "no-cache" }),
  );
  app.get("/health", () => json({ status: "alive" }));
  app.get("/ready", async () =>
    (await service.ready())
      ? json({ status: "ready" })
      : refuse(problem("not-ready", "The model did not answer its own test row.")),
  );
  return app;
};
