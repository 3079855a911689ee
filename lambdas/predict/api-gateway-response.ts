import * as z from "zod";

/** What API Gateway takes as an answer, payload version 2.0. */
export const ApiGatewayResponse = z.object({
  statusCode: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  /** True where the body is bytes that are no text. */
  isBase64Encoded: z.boolean(),
});
export type ApiGatewayResponse = z.infer<typeof ApiGatewayResponse>;
