import { createHash, timingSafeEqual } from "node:crypto";
import { type Context, Hono } from "hono";
import { retryAfterSeconds } from "#inference/http/body-unreadable.ts";
import type { EmbeddedServing } from "#platform/serving/embedded.ts";
import { parseFunctionName } from "#platform/serving/function-name.ts";
import { EventTooLarge, type FunctionResponse } from "#platform/serving/functions.ts";
import { formatReportLine } from "#platform/serving/lambda-report.ts";
import {
  type Environment,
  environments,
  FunctionBusy,
  FunctionFailed,
  NotServed,
} from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";
import { guardModels } from "./guard-models.ts";
import { isTextBody, toHttpEvent, toHttpResponse } from "./http-event.ts";
import type { AuthorizeRequest } from "./key-authorizer.ts";
import { readRequestBody } from "./request-body.ts";

type Needs = {
  /** One that takes bytes gets the larger bodies as they came. */
  readonly servings: Readonly<Record<Environment, EmbeddedServing>>;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly requestId: () => string;
  /** Asked before anything else of a request to a model; absent: all are open. */
  readonly gate?: AuthorizeRequest;
};

/** Lambda's limit for what goes into a function and for what comes out; API Gateway itself takes 10 MB. */
const payloadLimit = 6 * 1024 * 1024;

/** Bytes of a body that becomes part of an event here: larger ones hold the event loop, 6 MB of them for 30 ms. */
const inlineBodyBytes = 64 * 1024;

/** An RFC 9457 problem. */
const createProblemResponse = (status: number, title: string, detail: string): Response =>
  Response.json(
    { type: "about:blank", title, status, detail },
    { status, headers: { "content-type": "application/problem+json" } },
  );

const createTooLargeResponse = (): Response =>
  createProblemResponse(413, "Content Too Large", "a function takes at most 6 MB, base64 included");

const sha256 = (text: string) => createHash("sha256").update(text).digest();

/**
 * The rehearsal's front door to its functions, an app to mount at the root of an HTTP server: what API
 * Gateway's HTTP API does (`/<environment>/models/<model>/…`, for applications). What a page of another site asks
 * is refused here, whatever version serves.
 */
export const createGateway = ({ servings, clock, requestId, gate }: Needs): Hono => {
  const app = new Hono();

  const predict = async (context: Context, environment: Environment): Promise<Response> => {
    const request = context.req.raw;
    const model = context.req.param("model") ?? "";
    const passed = await gate?.(request, environment, model);
    if (passed && "refused" in passed) {
      const { problem: told, headers } = passed.refused;
      return Response.json(told, {
        status: told.status,
        headers: { ...headers, "content-type": "application/problem+json" },
      });
    }
    const body = await readRequestBody(context, payloadLimit);
    if (!body) return createTooLargeResponse();
    const path = new URL(request.url).pathname.slice(environment.length + 1);
    const serving = servings[environment];
    const carried =
      body.length > inlineBodyBytes && serving.invokeBytes
        ? { bytes: body, isText: isTextBody(request.headers), eventLimit: payloadLimit }
        : undefined;
    const event = toHttpEvent(request, path, carried ? new Uint8Array() : body, {
      model,
      requestId: requestId(),
      now: clock(),
      ...(passed?.context ? { authorizer: passed.context } : {}),
    });
    try {
      const called: Pick<FunctionResponse, "payload" | "body"> =
        carried && serving.invokeBytes
          ? await serving.invokeBytes(model, event, carried)
          : await serving.invoke(model, "live", event);
      const answer = toHttpResponse(called.payload, called.body);
      return (
        answer ??
        createProblemResponse(502, "Bad Gateway", `the function of ${model} gave an answer that is not HTTP`)
      );
    } catch (error) {
      if (error instanceof EventTooLarge) return createTooLargeResponse();
      if (error instanceof NotServed)
        return createProblemResponse(
          404,
          "Not Found",
          `no version of a model named ${model} is served on ${environment}`,
        );
      if (error instanceof FunctionBusy) {
        const busy = createProblemResponse(
          503,
          "Service Unavailable",
          `too many requests wait for ${model}: send it again`,
        );
        busy.headers.set("retry-after", String(retryAfterSeconds));
        return busy;
      }
      if (error instanceof FunctionFailed)
        return createProblemResponse(502, "Bad Gateway", `the function of ${model} failed; its log says why`);
      throw error;
    }
  };

  for (const environment of environments)
    app.all(`/${environment}/models/:model/*`, guardModels, (context) => predict(context, environment));
  return app;
};

type InvokeNeeds = Pick<Needs, "servings" | "requestId"> & {
  /** Whoever calls functions past the public route shows this, as `Authorization: Bearer …`. */
  readonly token: string;
};

/** Lambda's own Invoke path, by which other processes of this machine call functions directly. */
export const createInvokeRoute = ({ servings, token, requestId }: InvokeNeeds): Hono => {
  const app = new Hono();
  const expected = sha256(`Bearer ${token}`);

  /** Errors as Lambda's API gives them. */
  const refusal = (status: number, type: string, message: string) =>
    Response.json({ Type: "User", Message: message }, { status, headers: { "x-amzn-errortype": type } });

  // https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
  app.post("/2015-03-31/functions/:name/invocations", async (context) => {
    if (!timingSafeEqual(sha256(context.req.header("authorization") ?? ""), expected))
      return refusal(403, "AccessDeniedException", "this needs the bearer token of the running rehearsal");
    const name = parseFunctionName(context.req.param("name"));
    if (!name) return refusal(404, "ResourceNotFoundException", "there is no function of that name");
    const body = await readRequestBody(context, payloadLimit);
    if (!body) return refusal(413, "RequestTooLargeException", "a function takes at most 6 MB");
    let payload: Json;
    try {
      payload = JSON.parse(Buffer.from(body).toString("utf8"));
    } catch {
      return refusal(400, "InvalidRequestContentException", "the payload is not JSON");
    }
    const asked = context.req.query("Qualifier") ?? "live";
    try {
      const answer = await servings[name.environment].invoke(
        name.model,
        asked === "live" ? "live" : { version: asked },
        payload,
      );
      const version = await servings[name.environment].version(name.model, answer.version);
      const log = formatReportLine(requestId(), version?.config.memoryMb ?? 0, answer);
      return Response.json(answer.payload, {
        headers: {
          "x-amz-executed-version": answer.version,
          "x-amz-log-result": Buffer.from(`${log}\n`).toString("base64"),
        },
      });
    } catch (error) {
      if (error instanceof NotServed) return refusal(404, "ResourceNotFoundException", error.message);
      if (error instanceof FunctionBusy) {
        const busy = refusal(429, "TooManyRequestsException", error.message);
        busy.headers.set("retry-after", String(retryAfterSeconds));
        return busy;
      }
      if (!(error instanceof FunctionFailed)) throw error;
      const told = { errorType: error.name, errorMessage: error.message, trace: [] };
      return Response.json(told, { headers: { "x-amz-function-error": "Unhandled" } });
    }
  });
  return app;
};
