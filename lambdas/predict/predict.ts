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
 * Whether Lambda would lose this answer: it carries 6 MB out, of what it writes as JSON, where each quote of a body
 * takes two bytes. What is short enough for any characters is not measured.
 */
const isTooLarge = (given: ApiGatewayResponse | PredictResponse): boolean =>
  !("body" in given && given.body.length * 3 < maxBodyBytes) &&
  Buffer.byteLength(JSON.stringify(given)) > maxBodyBytes;

/** The request that the event carries, at the address within the model's route `/models/<name>/{proxy+}`. */
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

/** The reply as API Gateway takes it: what is no text travels in base64. */
const toApiGatewayResponse = (reply: HttpResponse, { method }: HttpRequest): ApiGatewayResponse => {
  const { status, headers, body } = withSecurityHeaders(reply);
  const carried = { statusCode: status, headers };
  if (method === "HEAD") return { ...carried, body: "", isBase64Encoded: false };
  return typeof body === "string"
    ? { ...carried, body, isBase64Encoded: false }
    : { ...carried, body: Buffer.from(body).toString("base64"), isBase64Encoded: true };
};

/**
 * The inference function: takes an HTTP API event (payload 2.0) or a direct invocation `{ rows: […] }`, and gives the
 * HTTP result, or the answer itself, or a problem object. A caller's mistake is an answer, never a failed invocation.
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
    const reply = await app.handle(request);
    const answered = toApiGatewayResponse(reply, request);
    const carried = isTooLarge(answered)
      ? toApiGatewayResponse(hostProblemResponse(request, responseTooLarge), request)
      : answered;
    return { ...carried, headers: { ...carried.headers, ...readRateLimitHeaders(event.caller) } };
  };
  return async (event: unknown): Promise<ApiGatewayResponse | PredictResponse | HttpProblem> => {
    const http = readHttpEvent(event);
    if (http) return overHttp(http);
    const answered = await service.predict(async () => parsePredictRequest(event));
    if (answered.status === "refused") return answered.problem;
    return isTooLarge(answered.response) ? responseTooLarge : answered.response;
  };
};
