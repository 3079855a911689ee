import type { HttpProblem } from "./http-problem.ts";

/** An answer as every host can send it. Its length is the host's to say. */
export type HttpResponse = {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or bytes that are none. */
  readonly body: string | Uint8Array;
  /** There where something was refused: a protocol may have its own form for it. */
  readonly problem?: HttpProblem;
};

/** An answer as JSON. */
export const jsonResponse = (body: unknown, status = 200, type = "application/json"): HttpResponse => ({
  status,
  headers: { "content-type": type },
  body: JSON.stringify(body),
});

/** A problem in the form of RFC 9457. */
export const problemResponse = (problem: HttpProblem): HttpResponse => ({
  ...jsonResponse(problem, problem.status, "application/problem+json"),
  problem,
});

/** The same answer with more headers. */
export const withHeaders = (reply: HttpResponse, headers: HttpResponse["headers"]): HttpResponse => ({
  ...reply,
  headers: { ...reply.headers, ...headers },
});
