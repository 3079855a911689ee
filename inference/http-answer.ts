import type { HttpProblem } from "./http-problem.ts";
import type { Answer } from "./native/answer.ts";

/** An answer as JSON. */
export const json = (body: unknown, status = 200, type = "application/json"): Response => {
  const text = JSON.stringify(body);
  // Short answers are not compressed, and this says that they are short.
  const headers = { "content-type": type, "content-length": String(Buffer.byteLength(text)) };
  return new Response(text, { status, headers });
};

/** A problem in the form of RFC 9457. */
export const refuse = (problem: HttpProblem): Response =>
  json(problem, problem.status, "application/problem+json");

/** The answer of whichever protocol, with what all of them say in headers: its id, and a record that was lost. */
export const withAnswerHeaders = (response: Response, { id, storageWarning }: Answer): Response => {
  response.headers.set("x-prediction-id", id);
  if (storageWarning) response.headers.set("x-storage-warning", storageWarning);
  return response;
};
