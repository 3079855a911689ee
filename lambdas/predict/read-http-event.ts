/**
 * The parts of an HTTP API event that are read, payload version 2.0.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export type HttpEvent = {
  readonly method: string;
  readonly rawPath: string;
  readonly rawQueryString: string;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string | undefined;
  readonly isBase64Encoded: boolean;
  /** The result of the HTTP API's authorizer; inference/authorization/authorizer-context.ts reads it. */
  readonly caller: unknown;
};

type UnknownRecord = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is UnknownRecord => typeof value === "object" && value !== null;
const toRecord = (value: unknown): UnknownRecord => (isObject(value) ? value : {});

/**
 * Reads the HTTP request of an event; undefined for a direct invocation. Checked by hand, because a schema adds
 * 20 ms to a cold start.
 */
export const readHttpEvent = (event: unknown): HttpEvent | undefined => {
  if (!isObject(event) || event.version !== "2.0") return undefined;
  const { rawPath, rawQueryString = "", headers, body, isBase64Encoded = false, requestContext } = event;
  const { http, authorizer } = toRecord(requestContext);
  const { method } = toRecord(http);
  if (typeof method !== "string" || typeof rawPath !== "string" || typeof rawQueryString !== "string")
    return undefined;
  if (typeof isBase64Encoded !== "boolean") return undefined;
  if (typeof body !== "string" && body !== undefined && body !== null) return undefined;
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(toRecord(headers)))
    if (typeof value === "string") texts.set(name.toLowerCase(), value);
  return {
    method,
    rawPath,
    rawQueryString,
    headers: texts,
    body: body ?? undefined,
    isBase64Encoded,
    caller: toRecord(authorizer).lambda,
  };
};
