import { Hono } from "hono";
import { etag } from "hono/etag";
import type { Question } from "../answer.ts";
import { json, refuse } from "../http-answer.ts";
import { type HttpProblem, problem } from "../problem.ts";
import { readBytes, readJson } from "../read-body.ts";
import type { Service } from "../service.ts";
import { nativeQuestion } from "./native-question.ts";

const readQuestion = async (request: Request): Promise<Question | HttpProblem> => {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type))
    return problem("wrong-content-type", "Send application/json.");
  const bytes = await readBytes(request);
  if (!(bytes instanceof Uint8Array)) return bytes;
  const read = readJson(bytes);
  return "json" in read ? nativeQuestion(read.json) : read;
};

const describe = ({ model: { manifest }, identity }: Service) => ({
  name: manifest.name,
  task: manifest.task,
  ...(manifest.description === undefined ? {} : { description: manifest.description }),
  owner: manifest.owner,
  inputs: manifest.inputs,
  output: manifest.output,
  version: identity.version,
  digest: identity.digest,
  environment: identity.environment,
});

/** Slipway's own protocol: POST /v1/predict, GET /v1/model, /health (the process lives), /ready (the model answered a row). */
export const nativeRoutes = (service: Service): Hono => {
  const app = new Hono();
  const description = describe(service);
  app.post("/v1/predict", async (context) => {
    const answered = await service.answer(() => readQuestion(context.req.raw));
    return answered.status === "answered" ? json(answered.answer) : refuse(answered.problem);
  });
  app.get("/v1/model", etag(), (context) => context.json(description, 200, { "cache-control": "no-cache" }));
  app.get("/health", (context) => context.json({ status: "alive" }));
  app.get("/ready", async (context) =>
    (await service.ready())
      ? context.json({ status: "ready" })
      : refuse(problem("not-ready", "The model did not answer its own test row.")),
  );
  return app;
};
