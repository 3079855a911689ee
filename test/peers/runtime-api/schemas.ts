import * as z from "zod";

/**
 * The requests and responses of Lambda's Runtime API.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
const requestId = z.uuid();

/** Headers of the response to `next` ("Next invocation", response headers). */
export const NextHeaders = z.strictObject({
  "lambda-runtime-aws-request-id": requestId,
  /** Epoch milliseconds at which the function times out. */
  "lambda-runtime-deadline-ms": z.string().regex(/^\d{13}$/),
  "lambda-runtime-invoked-function-arn": z
    .string()
    .regex(/^arn:aws[\w-]*:lambda:[a-z]{2}(-[a-z]+)+-\d:\d{12}:function:[\w-]{1,64}(:[\w$-]+)?$/),
  /** https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader */
  "lambda-runtime-trace-id": z
    .string()
    .regex(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01]$/),
});
export type NextHeaders = z.infer<typeof NextHeaders>;

/**
 * ErrorRequest, the body of `error` and `init/error` ("Invocation error", body parameters). The page lists
 * `stackTrace`; AWS's client for Node sends `trace` instead, and callers see that.
 */
export const ErrorRequest = z.strictObject({
  errorMessage: z.string(),
  errorType: z.string().min(1),
  stackTrace: z.array(z.string()).optional(),
  trace: z.array(z.string()).optional(),
});
export type ErrorRequest = z.infer<typeof ErrorRequest>;

/** "Lambda accepts any string" as the error's type in its header; absent is allowed. */
export const ErrorTypeHeader = z.string().min(1).optional();

/** The path of each request. Paths begin with the API's version, 2018-06-01. */
export const routes = [
  { method: "GET", path: /^\/2018-06-01\/runtime\/invocation\/next$/, what: "next" },
  { method: "POST", path: /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/response$/, what: "response" },
  { method: "POST", path: /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/error$/, what: "error" },
  { method: "POST", path: /^\/2018-06-01\/runtime\/init\/error$/, what: "init error" },
] as const;

/**
 * The largest response of a synchronous invocation, 6 MB and 100 bytes.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const responseSizeLimit = 6 * 1024 * 1024 + 100;
