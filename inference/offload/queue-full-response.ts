import { createProblem } from "#inference/http/create-problem.ts";
import { type HttpResponse, problemResponse, withHeaders } from "#inference/http/http-response.ts";
import { withSecurityHeaders } from "#inference/http/security-headers.ts";

const response = withSecurityHeaders(
  problemResponse(
    createProblem("queue-full", "The requests in work already take all the time there is: try again."),
  ),
);

let last = { seconds: 0, response };

/** 429: more requests would only wait longer. @param seconds when to try again */
export const queueFullResponse = (seconds: number): HttpResponse => {
  // Under an overload it is the same for thousands of requests.
  if (last.seconds !== seconds)
    last = { seconds, response: withHeaders(response, { "retry-after": String(seconds) }) };
  return last.response;
};
