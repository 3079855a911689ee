import { toOipError } from "#inference/oip/oip-error.ts";
import type { HttpProblem } from "./http-problem.ts";
import type { HttpRequest } from "./http-request.ts";
import { type HttpResponse, problemResponse } from "./http-response.ts";

const isOip = (path: string): boolean => path === "/v2" || path.startsWith("/v2/");

/** Converts a problem to the error format of the request's protocol; other responses stay as they are. */
export const adaptToProtocol = (request: HttpRequest, response: HttpResponse): HttpResponse =>
  response.problem && isOip(request.path)
    ? toOipError(response, response.problem, request.header("accept") ?? "")
    : response;

/** The response if the host itself refuses a request, or cannot send the app's response. */
export const hostProblemResponse = (request: HttpRequest, problem: HttpProblem): HttpResponse =>
  adaptToProtocol(request, problemResponse(problem));
