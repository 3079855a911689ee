import * as z from "zod";

/**
 * The parts of an HTTP API event that are read, payload version 2.0.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
const ApiGatewayEvent = z.object({
  headers: z.record(z.string(), z.string().optional()).default({}),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().default(false),
});

/** Whether an event came by a route of an HTTP API: only API Gateway creates such events. */
export const isHttpEvent = (event: unknown): boolean =>
  z
    .object({
      version: z.literal("2.0"),
      requestContext: z.object({ http: z.object({ method: z.string() }) }),
    })
    .safeParse(event).success;

/** What a public route gets: exactly the bytes that were sent, unparsed. */
export type RawHttpRequest = {
  readonly rawBody: Uint8Array;
  readonly headers: Readonly<Record<string, string | undefined>>;
};
export type HandlerResponse = { readonly status: number; readonly body: string };
type ApiGatewayTextResponse = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/**
 * Handles signed requests from others to our HTTP API. The signature covers the bytes that they sent, so these are
 * restored before anything reads them (form bodies arrive in base64).
 */
export const createHttpHandler =
  (respond: (request: RawHttpRequest) => Promise<HandlerResponse>) =>
  async (event: unknown): Promise<ApiGatewayTextResponse> => {
    const { headers, body, isBase64Encoded } = ApiGatewayEvent.parse(event);
    const rawBody = Buffer.from(body ?? "", isBase64Encoded ? "base64" : "utf8");
    const response = await respond({ rawBody, headers });
    // Slack reads a dialog's errors only if their content type is JSON.
    const type = response.body.startsWith("{") ? "application/json" : "text/plain; charset=utf-8";
    return { statusCode: response.status, headers: { "content-type": type }, body: response.body };
  };
