import type { HttpReply } from "./http-reply.ts";
import type { HttpRequest } from "./http-request.ts";

/** The service as hosts have it: takes any request and never rejects. */
export type App = { answer(request: HttpRequest): Promise<HttpReply> };

/** What stands before the service: answers in its place, or lets it answer and adds to that. */
export type Gate = (
  request: HttpRequest,
  answer: (request: HttpRequest) => Promise<HttpReply>,
) => Promise<HttpReply>;

/** Where a request is answered: here, by `answer`, or elsewhere. */
export type Offload = (
  request: HttpRequest,
  answer: (request: HttpRequest) => HttpReply | Promise<HttpReply>,
) => Promise<HttpReply>;
