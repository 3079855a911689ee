import type { HttpRequest } from "./http-request.ts";
import type { HttpResponse } from "./http-response.ts";

/** The service behind any host. It handles every request and never rejects. */
export type App = {
  handle(request: HttpRequest): Promise<HttpResponse>;
  /** The response to a request for which there is no time, at once; undefined: it is to be handled. Absent: there always is. */
  readonly refuse?: (request: HttpRequest) => HttpResponse | undefined;
};

/** Responds to a request itself, or passes it to `next` and may change the response. */
export type Middleware = (
  request: HttpRequest,
  next: (request: HttpRequest) => Promise<HttpResponse>,
) => Promise<HttpResponse>;

/** Handles a request in another process, or here with `next`. */
export type Offload = (
  request: HttpRequest,
  next: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>,
) => Promise<HttpResponse>;
