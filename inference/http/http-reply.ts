import type { HttpProblem } from "./http-problem.ts";

/** An answer as every host can send it. Its length is the host's to say. */
export type HttpReply = {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or bytes that are none. */
  readonly body: string | Uint8Array;
  /** There where something was refused: a protocol may have its own form for it. */
  readonly problem?: HttpProblem;
};

/** An answer as JSON. */
export const json = (body: unknown, status = 200, type = "application/json"): HttpReply => ({
  status,
  headers: { "content-type": type },
  body: JSON.stringify(body),
});

/** A problem in the form of RFC 9457. */
export const refuse = (problem: HttpProblem): HttpReply => ({
  ...json(problem, problem.status, "application/problem+json"),
  problem,
});

/** The same answer with more headers. */
export const withHeaders = (reply: HttpReply, headers: HttpReply["headers"]): HttpReply => ({
  ...reply,
  headers: { ...reply.headers, ...headers },
});
