import type { Needs } from "../../inference/answer.ts";
import { createApp } from "../../inference/app.ts";
import { hostRefusal } from "../../inference/host-refusal.ts";
import type { HttpProblem } from "../../inference/http-problem.ts";
import type { Answer } from "../../inference/native/answer.ts";
import { nativeQuestion } from "../../inference/native/native-question.ts";
import { problem } from "../../inference/problem.ts";
import { maxBodyBytes } from "../../inference/read-body.ts";
import { createService } from "../../inference/service.ts";
import { quotaHeaders, throttledBy } from "../../inference/throttled-by.ts";
import type { HttpResult } from "./http-result.ts";
import { type HttpEvent, readHttpEvent } from "./read-http-event.ts";

/** Methods that fetch knows: of others, and of those that it forbids, it makes no request. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const otherMethod = problem("method-not-allowed", "No address here takes this method.");
const answerTooLarge = problem(
  "answer-too-large",
  `A function's answer has at most ${maxBodyBytes} bytes: send fewer rows at a time, or accept gzip.`,
);

/**
 * Whether Lambda would lose this answer: it carries 6 MB out, of what it writes as JSON, where each quote of a body
 * takes two bytes. What is short enough for any characters is not measured.
 */
const isTooLarge = (given: HttpResult | Answer): boolean =>
  !("body" in given && given.body.length * 3 < maxBodyBytes) &&
  Buffer.byteLength(JSON.stringify(given)) > maxBodyBytes;

/** The request that the event carries, at the address within the model's route `/models/<name>/{proxy+}`. */
const request = (
  { method, rawPath, rawQueryString, headers, body, isBase64Encoded }: HttpEvent,
  model: string,
) => {
  const prefix = `/models/${model}/`;
  const path = rawPath.startsWith(prefix) ? rawPath.slice(prefix.length - 1) : rawPath;
  const bodiless = method === "GET" || method === "HEAD" || body === undefined;
  const bytes = bodiless ? undefined : Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  const carried = new Headers();
  // fetch's Headers throw on what no gateway lets through; such a header is as good as absent.
  for (const [name, value] of Object.entries(headers))
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e]*$/.test(value)) carried.set(name, value);
  if (bytes) carried.set("content-length", String(bytes.length));
  const url = new URL("http://function");
  url.pathname = path;
  url.search = rawQueryString;
  return new Request(url, { method, headers: carried, ...(bytes ? { body: bytes } : {}) });
};

const isText = (headers: Headers): boolean =>
  !headers.has("content-encoding") &&
  /^(text\/|application\/(json|[\w.-]+\+json|yaml|javascript)(;|$))/i.test(
    headers.get("content-type") ?? "text/",
  );

/** The response as API Gateway takes it: what is no text travels in base64. */
const result = async (response: Response): Promise<HttpResult> => {
  const carried = { statusCode: response.status, headers: Object.fromEntries(response.headers) };
  if (isText(response.headers)) return { ...carried, body: await response.text(), isBase64Encoded: false };
  const bytes = Buffer.from(await response.arrayBuffer());
  return { ...carried, body: bytes.toString("base64"), isBase64Encoded: true };
};

/**
 * The inference function: takes an HTTP API event (payload 2.0) or a direct invocation `{ rows: […] }`, and gives the
 * HTTP result, or the answer itself, or a problem object. A caller's mistake is an answer, never a failed invocation.
 */
export const predict = (needs: Needs) => {
  const service = createService(needs);
  const app = createApp(service);
  // Own adapter: hono's is deprecated in this version, and decodes base64 bodies one character at a time.
  const overHttp = async (event: HttpEvent): Promise<HttpResult> => {
    const known = methods.has(event.method);
    const asked = request(known ? event : { ...event, method: "OPTIONS" }, needs.identity.model);
    const throttled = throttledBy(event.caller);
    if (throttled) {
      const refused = await result(await hostRefusal(asked, throttled.problem));
      return { ...refused, headers: { ...refused.headers, ...throttled.headers } };
    }
    if (!known) return result(await hostRefusal(asked, otherMethod));
    let answered = await result(await app.fetch(asked));
    if (isTooLarge(answered)) answered = await result(await hostRefusal(asked, answerTooLarge));
    return { ...answered, headers: { ...answered.headers, ...quotaHeaders(event.caller) } };
  };
  return async (event: unknown): Promise<HttpResult | Answer | HttpProblem> => {
    const http = readHttpEvent(event);
    if (http) return overHttp(http);
    const answered = await service.answer(async () => nativeQuestion(event));
    if (answered.status === "refused") return answered.problem;
    return isTooLarge(answered.answer) ? answerTooLarge : answered.answer;
  };
};
