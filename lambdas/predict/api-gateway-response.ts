import * as z from "zod";

/** API Gateway's response format, payload version 2.0. */
export const ApiGatewayResponse = z.object({
  statusCode: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  /** True for a binary body. */
  isBase64Encoded: z.boolean(),
});
export type ApiGatewayResponse = z.infer<typeof ApiGatewayResponse>;
