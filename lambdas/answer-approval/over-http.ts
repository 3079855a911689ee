import * as z from "zod";
import type { CallbackAnswer, SlackCallback } from "./answer-approval.ts";

/**
 * What is read of an HTTP API event, payload version 2.0.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
const HttpEvent = z.object({
  headers: z.record(z.string(), z.string().optional()).default({}),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().default(false),
});

export type HttpResult = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/**
 * Answers Slack's callbacks behind an HTTP API. The signature is on the bytes that Slack sent, so they are restored
 * before anything looks at them: form bodies arrive in base64.
 */
export const overHttp =
  (answer: (callback: SlackCallback) => Promise<CallbackAnswer>) =>
  async (event: unknown): Promise<HttpResult> => {
    const { headers, body, isBase64Encoded } = HttpEvent.parse(event);
    const rawBody = Buffer.from(body ?? "", isBase64Encoded ? "base64" : "utf8");
    const answered = await answer({ rawBody, headers });
    // Slack reads a dialog's errors only where they are said to be JSON.
    const type = answered.body.startsWith("{") ? "application/json" : "text/plain; charset=utf-8";
    return { statusCode: answered.status, headers: { "content-type": type }, body: answered.body };
  };
