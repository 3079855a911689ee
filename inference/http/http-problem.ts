import * as z from "zod";

/**
 * An error response: RFC 9457 problem details (`application/problem+json`). `errors` has an entry for each invalid value
 * with an RFC 6901 pointer, as in the RFC's example.
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
