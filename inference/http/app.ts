import type { HttpRequest } from "./http-request.ts";
import type { HttpResponse } from "./http-response.ts";

/** The service as hosts have it: takes any request and never rejects. */
export type App = { answer(request: HttpRequest): Promise<HttpResponse> };

/** What stands before the service: answers in its place, or lets it answer and adds to that. */
export type Middleware = (
  request: HttpRequest,
  answer: (request: HttpRequest) => Promise<HttpResponse>,
) => Promise<HttpResponse>;

/** Where a request is answered: here, by `answer`, or elsewhere. */
export type Offload = (
  request: HttpRequest,
  answer: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>,
) => Promise<HttpResponse>;
