import { toOipError } from "#inference/oip/oip-error.ts";
import type { HttpProblem } from "./http-problem.ts";
import type { HttpRequest } from "./http-request.ts";
import { type HttpResponse, problemResponse } from "./http-response.ts";

const isOip = (path: string): boolean => path === "/v2" || path.startsWith("/v2/");

/** The reply; where it refuses something, in the form of the protocol that was asked. */
export const adaptToProtocol = (request: HttpRequest, reply: HttpResponse): HttpResponse =>
  reply.problem && isOip(request.path)
    ? toOipError(reply, reply.problem, request.header("accept") ?? "")
    : reply;

/** The answer to a request that its host refuses before the app sees it, or whose answer it cannot carry. */
export const hostProblemResponse = (request: HttpRequest, problem: HttpProblem): HttpResponse =>
  adaptToProtocol(request, problemResponse(problem));
