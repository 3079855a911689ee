import { type Context, Hono } from "hono";
import { json, refuse, withAnswerHeaders } from "../http-answer.ts";
import { problem } from "../problem.ts";
import type { Service } from "../service.ts";
import { describeModel, server } from "./describe-model.ts";
import { modelOutputs } from "./model-outputs.ts";
import { oipErrors } from "./oip-errors.ts";
import { type Inference, readInference } from "./read-inference.ts";
import { writeAnswer } from "./write-answer.ts";

const notReady = (): Response => refuse(problem("not-ready", "The model did not answer its own test row."));

/**
 * The Open Inference Protocol, version 2, over REST, with the binary tensor data and classification extensions.
 * Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
export const oipRoutes = (service: Service): Hono => {
  const { model, identity } = service;
  const app = new Hono();
  const description = describeModel(service);
  const outputs = modelOutputs(model.manifest);
  const read = readInference(model.manifest.inputs, outputs);

  /** Refuses every model but the one that is served here, and every version but its own. */
  const here =
    (respond: (context: Context) => Response | Promise<Response>) =>
    (context: Context): Response | Promise<Response> => {
      const { name, version } = context.req.param();
      const known =
        name === identity.model && (version ?? description.versions[0]) === description.versions[0];
      return known
        ? respond(context)
        : refuse(
            problem("not-found", `Here is ${identity.model}, version ${identity.version}, and nothing else.`),
          );
    };
  const infer = async (context: Context): Promise<Response> => {
    let inference: Inference | undefined;
    const answered = await service.answer(async () => {
      const found = await read(context.req.raw);
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

  for (const root of ["/v2", "/v2/*"]) app.use(root, oipErrors);
  // The specification's text says /v2, its OpenAPI description /v2/.
  for (const root of ["/v2", "/v2/"]) app.get(root, () => json(server));
  app.get("/v2/health/live", () => json({ live: true }));
  // The specification calls it live here too; clients and servers alike read and write `ready`.
  app.get("/v2/health/ready", async () =>
    (await service.ready()) ? json({ ready: true, live: true }) : notReady(),
  );
  for (const path of ["/v2/models/:name", "/v2/models/:name/versions/:version"]) {
    app.get(
      path,
      here(() => json(description)),
    );
    app.get(
      `${path}/ready`,
      here(async () => ((await service.ready()) ? json({ name: identity.model, ready: true }) : notReady())),
    );
    app.post(`${path}/infer`, here(infer));
  }
  return app;
};
