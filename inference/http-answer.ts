import type { HttpProblem } from "./problem.ts";

/** An answer as JSON. */
export const json = (body: unknown, status = 200, type = "application/json"): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": type } });

/** A problem in the form of RFC 9457. */
export const refuse = (problem: HttpProblem): Response =>
  json(problem, problem.status, "application/problem+json");
