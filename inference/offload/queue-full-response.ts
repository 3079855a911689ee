import { createProblem } from "#inference/http/create-problem.ts";
import { type HttpResponse, problemResponse, withHeaders } from "#inference/http/http-response.ts";

const response = problemResponse(
  createProblem("queue-full", "The requests in work already take all the time there is: try again."),
);

/** 429: more requests would only wait longer. @param seconds when to try again */
export const queueFullResponse = (seconds: number): HttpResponse =>
  withHeaders(response, { "retry-after": String(seconds) });
