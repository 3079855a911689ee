import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { etag } from "hono/etag";
import { answerRequest, type Needs } from "./answer.ts";
import { sampleRow } from "./load-model.ts";
import { type HttpProblem, problem } from "./problem.ts";

/** Lambda carries 6 MB in and out. Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const maxBodyBytes = 6 * 1_024 * 1_024;

const methods = {
  "/v1/predict": "POST",
  "/v1/model": "GET, HEAD",
  "/health": "GET, HEAD",
  "/ready": "GET, HEAD",
};
const json = (body: unknown, status: number, type: string): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": type } });
const refuse = (refused: HttpProblem): Response => json(refused, refused.status, "application/problem+json");

const utf8 = new TextDecoder("utf-8", { fatal: true });

const readJson = async (request: Request): Promise<{ readonly body: unknown } | HttpProblem> => {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type))
    return problem("wrong-content-type", "Send application/json.");
  if (!/^(identity)?$/i.test(request.headers.get("content-encoding") ?? ""))
    return problem("wrong-content-type", "Send the body without content-encoding.");
  const bytes = await request.arrayBuffer();
  try {
    return { body: JSON.parse(utf8.decode(bytes)) };
  } catch (error) {
    return problem(
      "broken-json",
      // The parser's own words may quote the body; its position does not.
      `The body cannot be read${error instanceof SyntaxError ? (error.message.match(/ at position \d+/)?.[0] ?? "") : ": it is not UTF-8"}.`,
    );
  }
};

const publicManifest = ({ model: { manifest }, identity }: Needs) => ({
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

/** True once one row was answered; asked again until then. */
const selfTest = ({ model }: Needs): (() => Promise<boolean>) => {
  let answered = false;
  return async () => {
    answered ||= await model.predict([sampleRow(model.manifest)]).then(
      (predictions) => predictions.length === 1,
      () => false,
    );
    return answered;
  };
};

const predict = (needs: Needs) => {
  const answer = answerRequest(needs);
  const tooLarge = problem(
    "too-large",
    `A body has at most ${maxBodyBytes} bytes: send fewer rows at a time.`,
  );
  return [
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: async () => {
        await answer(async () => tooLarge);
        return refuse(tooLarge);
      },
    }),
    async (context: Context): Promise<Response> => {
      const answered = await answer(() => readJson(context.req.raw));
      return answered.status === "answered"
        ? json(answered.answer, 200, "application/json")
        : refuse(answered.problem);
    },
  ] as const;
};

/**
 * The inference service over HTTP: POST /v1/predict, GET /v1/model, /health (the process lives) and /ready (the
 * model answered a row). Everything else is a problem (RFC 9457). Each answer carries x-request-id, the caller's own
 * where it is 1 to 128 printable characters.
 */
export const createApp = (needs: Needs): Hono => {
  const app = new Hono();
  const ready = selfTest(needs);
  const description = publicManifest(needs);

  app.use(async (context, next) => {
    const given = context.req.header("x-request-id") ?? "";
    await next();
    context.header("x-request-id", /^[\x21-\x7e]{1,128}$/.test(given) ? given : needs.newId());
  });
  app.post("/v1/predict", ...predict(needs));
  app.get("/v1/model", etag(), (context) => context.json(description, 200, { "cache-control": "no-cache" }));
  app.get("/health", (context) => context.json({ status: "alive" }));
  app.get("/ready", async (context) =>
    (await ready())
      ? context.json({ status: "ready" })
      : refuse(problem("not-ready", "The model did not answer its own test row.")),
  );
  for (const [path, allow] of Object.entries(methods))
    app.all(path, () => {
      const response = refuse(problem("method-not-allowed", `Allowed here: ${allow}.`));
      response.headers.set("allow", allow);
      return response;
    });
  app.notFound(() => refuse(problem("not-found", "See /v1/model for what is served here.")));
  app.onError(() => refuse(problem("prediction-failed", "The service failed.")));
  return app;
};
