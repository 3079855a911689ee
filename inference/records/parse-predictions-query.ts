import * as z from "zod";
import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { maxCursorLength } from "./list-cursor.ts";

/** The query of `GET /v1/predictions`. Other parameters are ignored. */
export const PredictionsQuery = z.object({
  limit: z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(100))
    .default(20)
    .describe("Records on a page, 1 to 100."),
  cursor: z.string().min(1).max(maxCursorLength).optional().describe("The cursor of the previous page."),
  label: z.string().min(1).max(128).optional().describe("Only predictions with this label."),
});
export type PredictionsQuery = z.infer<typeof PredictionsQuery>;

const rules = {
  limit: "limit must be a whole number from 1 to 100",
  cursor: "cursor must be the cursor of the previous page",
  label: "label must have 1 to 128 characters",
} as const;

const toProblem = (error: z.ZodError): HttpProblem => {
  const violated = Object.entries(rules).flatMap(([name, rule]) =>
    error.issues.some(({ path }) => path[0] === name) ? [rule] : [],
  );
  return createProblem("query-invalid", `${violated.join("; ")}.`);
};

/** Reads the query, or returns a problem. */
export const parsePredictionsQuery = (
  parameters: Readonly<Record<string, string>>,
): { readonly query: PredictionsQuery } | { readonly problem: HttpProblem } => {
  const { success, data, error } = PredictionsQuery.safeParse(parameters);
  return success ? { query: data } : { problem: toProblem(error) };
};
