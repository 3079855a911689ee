import type { Question } from "#inference/answer.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { type HttpReply, json, refuse, withHeaders } from "#inference/http/http-reply.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { problem } from "#inference/http/problem.ts";
import { readBytes, readJson, readText } from "#inference/http/read-body.ts";
import type { Route } from "#inference/http/router.ts";
import { withAnswerHeaders } from "#inference/http/with-answer-headers.ts";
import { withEntityTag } from "#inference/http/with-entity-tag.ts";
import type { Service } from "#inference/service.ts";
import { rowPointer } from "#model-folder/rows/row-problem.ts";
import type { Answer } from "./answer.ts";
import { describeModel } from "./describe-model.ts";
import { nativeQuestion } from "./native-question.ts";

const mediaType = /^(application\/json|text\/csv)\s*(;\s*(charset="?utf-8"?|header=present)\s*)*$/i;

/** A question in JSON or CSV. CSV has a header; its pointers are those of the rows in JSON. */
const readQuestion = async (service: Service, request: HttpRequest): Promise<Question | HttpProblem> => {
  const type = mediaType.exec(request.header("content-type") ?? "")?.[1]?.toLowerCase();
  if (!type) return problem("wrong-content-type", "Send application/json or text/csv, in UTF-8.");
  const bytes = await readBytes(request);
  if (!(bytes instanceof Uint8Array)) return bytes;
  if (type === "application/json") {
    const read = readJson(bytes, service.model.manifest);
    return "json" in read ? nativeQuestion(read.json) : read;
  }
  const text = readText(bytes);
  if (typeof text !== "string") return text;
  const { readCsv } = await import("#inference/csv/read-csv.ts");
  const read = readCsv(service.model.manifest)(text, { header: true });
  return "rows" in read ? { rows: read.rows, pointer: rowPointer("/rows") } : read;
};

const answerCsv = async ({ model }: Service, { predictions }: Answer): Promise<HttpReply> => {
  const { writeCsv } = await import("#inference/csv/write-csv.ts");
  return {
    status: 200,
    headers: { "content-type": "text/csv; charset=utf-8; header=present" },
    body: writeCsv(model.manifest)(predictions, { header: true }),
  };
};

const predict =
  (service: Service) =>
  async (request: HttpRequest): Promise<HttpReply> => {
    const answered = await service.answer(() => readQuestion(service, request));
    if (answered.status === "refused") return refuse(answered.problem);
    const reply = /^\s*text\/csv\b/i.test(request.header("accept") ?? "")
      ? await answerCsv(service, answered.answer)
      : json(answered.answer);
    return withAnswerHeaders(reply, answered.answer);
  };

/** Slipway's own protocol: POST /v1/predict, GET /v1/model, /health (the process lives), /ready (the model answered a row). */
export const nativeRoutes = (service: Service): readonly Route[] => {
  const description = withHeaders(json(describeModel(service)), { "cache-control": "no-cache" });
  return [
    { method: "POST", path: "/v1/predict", respond: predict(service) },
    { method: "GET", path: "/v1/model", respond: (request) => withEntityTag(request, description) },
    { method: "GET", path: "/health", respond: () => json({ status: "alive" }) },
    {
      method: "GET",
      path: "/ready",
      respond: async () =>
        (await service.ready())
          ? json({ status: "ready" })
          : refuse(problem("not-ready", "The model did not answer its own test row.")),
    },
  ];
};
