import { chooseRequestId } from "#inference/app.ts";
import { adaptToProtocol } from "#inference/http/adapt-to-protocol.ts";
import type { App } from "#inference/http/app.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { type HttpResponse, withHeaders } from "#inference/http/http-response.ts";
import type { WorkQueue } from "#inference/http/work-queue.ts";
import type { OffloadProcess } from "./create-offload-process.ts";
import { isPredictPath } from "./offload.ts";
import { queueFullResponse } from "./queue-full-response.ts";

type Needs = {
  readonly queue: WorkQueue;
  readonly offloadProcess: Pick<OffloadProcess, "isFull" | "queueSeconds">;
  /** Larger bodies go to the separate process. */
  readonly largeBytes: number;
  readonly newId: () => string;
};

/**
 * Refuses predictions while there is no time for them, before anything else is done: a refusal must cost next to nothing, or
 * an overload takes the time of the requests that were admitted. The size that a request announces decides; offload.ts
 * counts the body itself.
 */
export const refuseWhenFull = (app: App, { queue, offloadProcess, largeBytes, newId }: Needs): App => {
  const refuse = (request: HttpRequest): HttpResponse | undefined => {
    if (request.method !== "POST" || !isPredictPath(request.path)) return undefined;
    const announced = Number(request.header("content-length") ?? 0) || 0;
    const isLarge = announced > largeBytes;
    if (!(isLarge ? offloadProcess.isFull(announced) : queue.isFull(announced))) return undefined;
    const response = queueFullResponse(isLarge ? offloadProcess.queueSeconds() : queue.retryAfter());
    return withHeaders(adaptToProtocol(request, response), {
      "x-request-id": chooseRequestId(request, newId),
    });
  };
  return {
    handle: (request) => {
      const refused = refuse(request);
      return refused ? Promise.resolve(refused) : app.handle(request);
    },
    refuse,
  };
};
