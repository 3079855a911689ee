import { type HttpReply, json, refuse } from "#inference/http/http-reply.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { problem } from "#inference/http/problem.ts";
import type { Respond, Route } from "#inference/http/router.ts";
import { withAnswerHeaders } from "#inference/http/with-answer-headers.ts";
import type { Service } from "#inference/service.ts";
import { describeModel, server } from "./describe-model.ts";
import { modelOutputs } from "./model-outputs.ts";
import { type Inference, readInference } from "./read-inference.ts";
import { writeAnswer } from "./write-answer.ts";

const notReady = refuse(problem("not-ready", "The model did not answer its own test row."));

/**
 * The Open Inference Protocol, version 2, over REST, with the binary tensor data and classification extensions.
 * Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
export const oipRoutes = (service: Service): readonly Route[] => {
  const { model, identity } = service;
  const description = describeModel(service);
  const outputs = modelOutputs(model.manifest);
  const read = readInference(model.manifest.inputs, outputs);

  /** Refuses every model but the one that is served here, and every version but its own. */
  const here =
    (respond: Respond): Respond =>
    (request, params) => {
      const { name, version } = params;
      const known =
        name === identity.model && (version ?? description.versions[0]) === description.versions[0];
      return known
        ? respond(request, params)
        : refuse(
            problem("not-found", `Here is ${identity.model}, version ${identity.version}, and nothing else.`),
          );
    };
  const infer = async (request: HttpRequest): Promise<HttpReply> => {
    let inference: Inference | undefined;
    const answered = await service.answer(async () => {
      const found = await read(request);
      if ("status" in found) return found;
      inference = found;
      return found.question;
    });
    if (answered.status === "refused") return refuse(answered.problem);
    return withAnswerHeaders(
      writeAnswer(answered.answer, inference?.id, inference?.outputs ?? []),
      answered.answer,
    );
  };
  const whenReady = (reply: HttpReply) => async (): Promise<HttpReply> =>
    (await service.ready()) ? reply : notReady;
  const get = (path: string, respond: Respond): Route => ({ method: "GET", path, respond });

  return [
    // The specification's text says /v2, its OpenAPI description /v2/.
    get("/v2", () => json(server)),
    get("/v2/", () => json(server)),
    get("/v2/health/live", () => json({ live: true })),
    // The specification calls it live here too; clients and servers alike read and write `ready`.
    get("/v2/health/ready", whenReady(json({ ready: true, live: true }))),
    ...["/v2/models/:name", "/v2/models/:name/versions/:version"].flatMap((path): Route[] => [
      get(
        path,
        here(() => json(description)),
      ),
      get(`${path}/ready`, here(whenReady(json({ name: identity.model, ready: true })))),
      { method: "POST", path: `${path}/infer`, respond: here(infer) },
    ]),
  ];
};
