import { createApp } from "#inference/app.ts";
import { readRateLimitHeaders, readThrottleProblem } from "#inference/authorization/authorizer-context.ts";
import { hostProblemResponse } from "#inference/http/adapt-to-protocol.ts";
import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { type HttpResponse, withHeaders } from "#inference/http/http-response.ts";
import { maxBodyBytes } from "#inference/http/read-body.ts";
import { withSecurityHeaders } from "#inference/http/security-headers.ts";
import { parsePredictRequest } from "#inference/native/parse-predict-request.ts";
import { parseReplayRequest } from "#inference/native/parse-replay-request.ts";
import type { PredictResponse } from "#inference/native/predict-response.ts";
import type { RunPredictionDependencies } from "#inference/run-prediction.ts";
import { createService } from "#inference/service.ts";
import type { ApiGatewayResponse } from "./api-gateway-response.ts";
import { type HttpEvent, readHttpEvent } from "./read-http-event.ts";

const responseTooLarge = createProblem(
  "answer-too-large",
  `A function's answer has at most ${maxBodyBytes} bytes: send fewer rows at a time, or accept gzip.`,
);

/**
 * Whether Lambda would lose this response: it returns at most 6 MB of JSON, in which each quote of a body takes two
 * bytes. A body that is short enough with any characters is not measured.
 */
const isTooLarge = (response: ApiGatewayResponse | PredictResponse): boolean =>
  !("body" in response && response.body.length * 3 < maxBodyBytes) &&
  Buffer.byteLength(JSON.stringify(response)) > maxBodyBytes;

/** Converts an event to a request, with the path within the model's route `/models/<name>/{proxy+}`. */
const toHttpRequest = (event: HttpEvent, model: string): HttpRequest => {
  const { method, rawPath, rawQueryString, headers, body, isBase64Encoded } = event;
  const prefix = `/models/${model}/`;
  return {
    method,
    path: rawPath.startsWith(prefix) ? rawPath.slice(prefix.length - 1) : rawPath,
    query: rawQueryString,
    header: (name) => headers.get(name),
    async body(limit) {
      const bytes = Buffer.from(body ?? "", isBase64Encoded ? "base64" : "utf8");
      return bytes.length > limit ? undefined : bytes;
    },
  };
};

/** Converts a response for API Gateway: a binary body becomes base64. */
const toApiGatewayResponse = (response: HttpResponse, { method }: HttpRequest): ApiGatewayResponse => {
  const { status, headers, body } = withSecurityHeaders(response);
  const head = { statusCode: status, headers };
  if (method === "HEAD") return { ...head, body: "", isBase64Encoded: false };
  return typeof body === "string"
    ? { ...head, body, isBase64Encoded: false }
    : { ...head, body: Buffer.from(body).toString("base64"), isBase64Encoded: true };
};

/**
 * The inference function: takes an HTTP API event (payload 2.0) or a direct invocation `{ rows: […] }`, and returns
 * the HTTP response, the prediction response or a problem object. A caller's mistake is never a failed invocation. A
 * direct invocation of a version by its number may say `replay: true`: it leaves neither records nor metrics.
 */
export const predict = (needs: RunPredictionDependencies) => {
  const service = createService(needs);
  const app = createApp(service);
  const overHttp = async (event: HttpEvent): Promise<ApiGatewayResponse> => {
    const request = toHttpRequest(event, needs.identity.model);
    const throttled = readThrottleProblem(event.caller);
    if (throttled)
      return toApiGatewayResponse(
        withHeaders(hostProblemResponse(request, throttled.problem), throttled.headers),
        request,
      );
    const httpResponse = await app.handle(request);
    const complete = toApiGatewayResponse(httpResponse, request);
    const response = isTooLarge(complete)
      ? toApiGatewayResponse(hostProblemResponse(request, responseTooLarge), request)
      : complete;
    return { ...response, headers: { ...response.headers, ...readRateLimitHeaders(event.caller) } };
  };
  return async (
    event: unknown,
    context?: unknown,
  ): Promise<ApiGatewayResponse | PredictResponse | HttpProblem> => {
    const http = readHttpEvent(event);
    if (http) return overHttp(http);
    const result = await service.predict(
      async () => parseReplayRequest(event, context) ?? parsePredictRequest(event),
    );
    if (result.status === "refused") return result.problem;
    const { id, model, version, ...rest } = result.response;
    const response = { id, model, version, predictions: result.predicted.toArray(), ...rest };
    return isTooLarge(response) ? responseTooLarge : response;
  };
};
