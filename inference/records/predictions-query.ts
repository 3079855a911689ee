import * as z from "zod";
import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpProblem } from "#inference/http/http-problem.ts";
import { maxCursorLength } from "./list-cursor.ts";

/** The query of `GET /v1/predictions`, as text. Other parameters are not looked at. */
export const PredictionsQuery = z.object({
  limit: z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(100))
    .default(20)
    .describe("Records on a page, 1 to 100."),
  cursor: z.string().min(1).max(maxCursorLength).optional().describe("The cursor of the page before."),
  label: z.string().min(1).max(128).optional().describe("Only records that were answered with this label."),
});
export type PredictionsQuery = z.infer<typeof PredictionsQuery>;

const rules = {
  limit: "limit is a whole number from 1 to 100",
  cursor: "cursor is what the page before gave as its cursor",
  label: "label has 1 to 128 characters",
} as const;

const toProblem = (error: z.ZodError): HttpProblem => {
  const broken = Object.entries(rules).flatMap(([name, rule]) =>
    error.issues.some(({ path }) => path[0] === name) ? [rule] : [],
  );
  return createProblem("query-invalid", `${broken.join("; ")}.`);
};

/** The query as it is asked with, or why it is none. */
export const readPredictionsQuery = (
  given: Readonly<Record<string, string>>,
): { readonly query: PredictionsQuery } | { readonly problem: HttpProblem } => {
  const { success, data, error } = PredictionsQuery.safeParse(given);
  return success ? { query: data } : { problem: toProblem(error) };
};
