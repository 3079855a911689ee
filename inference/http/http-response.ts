import type { HttpProblem } from "./http-problem.ts";

/** A response, independent of the host. The host adds its length. */
export type HttpResponse = {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** The body's memory is this response's alone: the host frees it when the system has it (freeMemory). */
  readonly isOwned?: true;
  /** Present for a refusal, so that a protocol can convert it to its own error format. */
  readonly problem?: HttpProblem;
};

export const jsonResponse = (body: unknown, status = 200, type = "application/json"): HttpResponse => ({
  status,
  headers: { "content-type": type },
  body: JSON.stringify(body),
});

/** A problem response as in RFC 9457. */
export const problemResponse = (problem: HttpProblem): HttpResponse => ({
  ...jsonResponse(problem, problem.status, "application/problem+json"),
  problem,
});

/** Returns the response with additional headers. */
export const withHeaders = (response: HttpResponse, headers: HttpResponse["headers"]): HttpResponse => ({
  ...response,
  headers: { ...response.headers, ...headers },
});
