import { z } from "zod";
import type { Json } from "#platform/store/store.ts";

type EventContext = {
  readonly model: string;
  readonly requestId: string;
  /** Epoch milliseconds. */
  readonly now: number;
  /** The context that a Lambda authorizer returned; absent: no authorizer ran. */
  readonly authorizer?: { [key: string]: Json };
};

const textContentType =
  /^(text\/|application\/([\w.+-]+\+)?(json|xml|javascript)\b|application\/x-www-form-urlencoded\b)/i;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whether a body is declared as text. */
export const isTextBody = (headers: Headers): boolean =>
  !headers.has("content-encoding") && textContentType.test(headers.get("content-type") ?? "text/plain");

/** The body as text where it is declared as text and reads as UTF-8; otherwise undefined. */
const decodeText = (body: Uint8Array, headers: Headers): string | undefined => {
  if (!isTextBody(headers)) return undefined;
  try {
    return utf8.decode(body);
  } catch {
    return undefined;
  }
};

/**
 * A request in the form in which API Gateway's HTTP API sends it to Lambda, payload format 2.0. `path` is without the
 * environment: `/models/churn/v1/predict`.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export const toHttpEvent = (
  request: Request,
  path: string,
  body: Uint8Array,
  { model, requestId, now, authorizer }: EventContext,
): { [key: string]: Json } => {
  const url = new URL(request.url);
  // API Gateway forwards the key. Here it may be the token that controls the engine, and no function needs it.
  const headers = Object.fromEntries(
    [...request.headers].filter(([name]) => name !== "cookie" && name !== "x-api-key"),
  );
  const cookie = request.headers.get("cookie");
  const query = Object.fromEntries(
    [...new Set(url.searchParams.keys())].map((name) => [name, url.searchParams.getAll(name).join(",")]),
  );
  const routeKey = `ANY /models/${model}/{proxy+}`;
  const text = decodeText(body, request.headers);
  return {
    version: "2.0",
    routeKey,
    rawPath: path,
    rawQueryString: url.search.slice(1),
    ...(cookie !== null && { cookies: cookie.split(";").map((part) => part.trim()) }),
    headers,
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    pathParameters: { proxy: path.split("/").slice(3).join("/") },
    requestContext: {
      accountId: "000000000000",
      apiId: "rehearsal",
      ...(authorizer && { authorizer: { lambda: authorizer } }),
      domainName: url.hostname,
      domainPrefix: "rehearsal",
      http: {
        method: request.method,
        path,
        protocol: "HTTP/1.1",
        sourceIp: "127.0.0.1",
        userAgent: request.headers.get("user-agent") ?? "",
      },
      requestId,
      routeKey,
      stage: "$default",
      time: new Date(now).toISOString(),
      timeEpoch: now,
    },
    ...(body.length > 0 && { body: text ?? Buffer.from(body).toString("base64") }),
    isBase64Encoded: body.length > 0 && text === undefined,
  };
};

const ProxyResult = z.object({
  statusCode: z.int().min(200).max(599),
  headers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  cookies: z.array(z.string()).optional(),
  body: z.string().optional(),
  isBase64Encoded: z.boolean().optional(),
});

/**
 * The HTTP response of a function's result, by the rules of payload format 2.0: a result without `statusCode` is the JSON
 * body of a 200. Undefined: the result has a `statusCode` and is malformed.
 * @param bytesBody the response's body, where it is not part of the result
 */
export const toHttpResponse = (result: Json, bytesBody?: Uint8Array): Response | undefined => {
  if (typeof result !== "object" || result === null || Array.isArray(result) || !("statusCode" in result))
    return Response.json(result);
  const parsed = ProxyResult.safeParse(result);
  if (!parsed.success) return undefined;
  const { statusCode, headers = {}, cookies = [], body = "", isBase64Encoded } = parsed.data;
  const responseHeaders = new Headers();
  try {
    for (const [name, value] of Object.entries(headers)) responseHeaders.set(name, String(value));
    for (const cookie of cookies) responseHeaders.append("set-cookie", cookie);
  } catch {
    return undefined;
  }
  // The server sets these headers itself.
  for (const name of ["content-length", "connection", "transfer-encoding"]) responseHeaders.delete(name);
  if (!responseHeaders.has("content-type")) responseHeaders.set("content-type", "text/plain;charset=UTF-8");
  const isEmpty = statusCode === 204 || statusCode === 205 || statusCode === 304;
  const bytes = bytesBody ? new Uint8Array(bytesBody) : isBase64Encoded ? Buffer.from(body, "base64") : body;
  return new Response(isEmpty ? null : bytes, { status: statusCode, headers: responseHeaders });
};
