import * as z from "zod";

/**
 * What is read of an HTTP API event, payload version 2.0.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
const ApiGatewayEvent = z.object({
  headers: z.record(z.string(), z.string().optional()).default({}),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().default(false),
});

/** Whether an event came by a route of an HTTP API: API Gateway alone makes events that say so. */
export const isHttpEvent = (event: unknown): boolean =>
  z
    .object({
      version: z.literal("2.0"),
      requestContext: z.object({ http: z.object({ method: z.string() }) }),
    })
    .safeParse(event).success;

/** What a public route gets: the very bytes that were sent, and nothing parsed of them. */
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
 * Answers what others send to an HTTP API of ours, signed: the signature is on the bytes that they sent, so these are
 * restored before anything looks at them (form bodies arrive in base64).
 */
export const createHttpHandler =
  (answer: (request: RawHttpRequest) => Promise<HandlerResponse>) =>
  async (event: unknown): Promise<ApiGatewayTextResponse> => {
    const { headers, body, isBase64Encoded } = ApiGatewayEvent.parse(event);
    const rawBody = Buffer.from(body ?? "", isBase64Encoded ? "base64" : "utf8");
    const answered = await answer({ rawBody, headers });
    // Slack reads a dialog's errors only where they are said to be JSON.
    const type = answered.body.startsWith("{") ? "application/json" : "text/plain; charset=utf-8";
    return { statusCode: answered.status, headers: { "content-type": type }, body: answered.body };
  };
