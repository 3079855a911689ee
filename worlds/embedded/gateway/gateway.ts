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
  /** A serving with `invokeBytes` gets large bodies as bytes. */
  readonly servings: Readonly<Record<Environment, EmbeddedServing>>;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly requestId: () => string;
  /** Runs before anything else; absent: all models are open. */
  readonly authorize?: AuthorizeRequest;
};

/** Lambda's limit for requests and responses, bytes; API Gateway's own limit is 10 MB. */
const payloadLimit = 6 * 1024 * 1024;

/** The largest body to put into an event here, bytes: 6 MB would block the event loop for 30 ms. */
const inlineBodyBytes = 64 * 1024;

/** An RFC 9457 problem. */
const createProblemResponse = (status: number, title: string, detail: string): Response =>
  Response.json(
    { type: "about:blank", title, status, detail },
    { status, headers: { "content-type": "application/problem+json" } },
  );

const createTooLargeResponse = (): Response =>
  createProblemResponse(413, "Content Too Large", "the request is too large (limit 6 MB, base64 included)");

const sha256 = (text: string) => createHash("sha256").update(text).digest();

/**
 * Serves models to applications at `/<environment>/models/<model>/…`, as API Gateway's HTTP API does. Mount it at the root
 * of a server. It refuses cross-site requests for every version.
 */
export const createGateway = ({ servings, clock, requestId, authorize }: Needs): Hono => {
  const app = new Hono();

  const predict = async (context: Context, environment: Environment): Promise<Response> => {
    const request = context.req.raw;
    const model = context.req.param("model") ?? "";
    const authorization = await authorize?.(request, environment, model);
    if (authorization && "refused" in authorization) {
      const { problem, headers } = authorization.refused;
      return Response.json(problem, {
        status: problem.status,
        headers: { ...headers, "content-type": "application/problem+json" },
      });
    }
    const body = await readRequestBody(context, payloadLimit);
    if (!body) return createTooLargeResponse();
    const path = new URL(request.url).pathname.slice(environment.length + 1);
    const serving = servings[environment];
    const bytesBody =
      body.length > inlineBodyBytes && serving.invokeBytes
        ? { bytes: body, isText: isTextBody(request.headers), eventLimit: payloadLimit }
        : undefined;
    const event = toHttpEvent(request, path, bytesBody ? new Uint8Array() : body, {
      model,
      requestId: requestId(),
      now: clock(),
      ...(authorization?.context ? { authorizer: authorization.context } : {}),
    });
    try {
      const result: Pick<FunctionResponse, "payload" | "body"> =
        bytesBody && serving.invokeBytes
          ? await serving.invokeBytes(model, event, bytesBody)
          : await serving.invoke(model, "live", event);
      const response = toHttpResponse(result.payload, result.body);
      return (
        response ??
        createProblemResponse(
          502,
          "Bad Gateway",
          `the function of ${model} returned an invalid HTTP response`,
        )
      );
    } catch (error) {
      if (error instanceof EventTooLarge) return createTooLargeResponse();
      if (error instanceof NotServed)
        return createProblemResponse(404, "Not Found", `${environment} serves no model ${model}`);
      if (error instanceof FunctionBusy) {
        const busy = createProblemResponse(
          503,
          "Service Unavailable",
          `too many requests wait for ${model}: retry later`,
        );
        busy.headers.set("retry-after", String(retryAfterSeconds));
        return busy;
      }
      if (error instanceof FunctionFailed)
        return createProblemResponse(502, "Bad Gateway", `the function of ${model} failed: see the log`);
      throw error;
    }
  };

  for (const environment of environments)
    app.all(`/${environment}/models/:model/*`, guardModels, (context) => predict(context, environment));
  return app;
};

type InvokeNeeds = Pick<Needs, "servings" | "requestId"> & {
  /** Callers send it as `Authorization: Bearer …`. */
  readonly token: string;
};

/** Lambda's Invoke path, by which other processes of this machine call functions directly. */
export const createInvokeRoute = ({ servings, token, requestId }: InvokeNeeds): Hono => {
  const app = new Hono();
  const expected = sha256(`Bearer ${token}`);

  /** An error in the form of Lambda's API. */
  const createRefusal = (status: number, type: string, message: string) =>
    Response.json({ Type: "User", Message: message }, { status, headers: { "x-amzn-errortype": type } });

  // https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
  app.post("/2015-03-31/functions/:name/invocations", async (context) => {
    if (!timingSafeEqual(sha256(context.req.header("authorization") ?? ""), expected))
      return createRefusal(403, "AccessDeniedException", "send the bearer token of the running rehearsal");
    const name = parseFunctionName(context.req.param("name"));
    if (!name) return createRefusal(404, "ResourceNotFoundException", "there is no function of this name");
    const body = await readRequestBody(context, payloadLimit);
    if (!body) return createRefusal(413, "RequestTooLargeException", "the payload is too large (limit 6 MB)");
    let payload: Json;
    try {
      payload = JSON.parse(Buffer.from(body).toString("utf8"));
    } catch {
      return createRefusal(400, "InvalidRequestContentException", "the payload is invalid JSON");
    }
    const qualifier = context.req.query("Qualifier") ?? "live";
    try {
      const result = await servings[name.environment].invoke(
        name.model,
        qualifier === "live" ? "live" : { version: qualifier },
        payload,
      );
      const version = await servings[name.environment].version(name.model, result.version);
      const log = formatReportLine(requestId(), version?.config.memoryMb ?? 0, result);
      return Response.json(result.payload, {
        headers: {
          "x-amz-executed-version": result.version,
          "x-amz-log-result": Buffer.from(`${log}\n`).toString("base64"),
        },
      });
    } catch (error) {
      if (error instanceof NotServed) return createRefusal(404, "ResourceNotFoundException", error.message);
      if (error instanceof FunctionBusy) {
        const busy = createRefusal(429, "TooManyRequestsException", error.message);
        busy.headers.set("retry-after", String(retryAfterSeconds));
        return busy;
      }
      if (!(error instanceof FunctionFailed)) throw error;
      const failure = { errorType: error.name, errorMessage: error.message, trace: [] };
      return Response.json(failure, { headers: { "x-amz-function-error": "Unhandled" } });
    }
  });
  return app;
};
