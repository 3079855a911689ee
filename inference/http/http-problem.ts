import * as z from "zod";

/**
 * What a caller gets instead of an answer: RFC 9457 problem details (`application/problem+json`), with one entry
 * in `errors` for each bad value and an RFC 6901 pointer to it, as the RFC's own example has them.
 * Source: https://www.rfc-editor.org/rfc/rfc9457
 */
export const HttpProblem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
});
export type HttpProblem = z.infer<typeof HttpProblem>;
