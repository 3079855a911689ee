import { chooseRequestId } from "#inference/app.ts";
import { adaptToProtocol } from "#inference/http/adapt-to-protocol.ts";
import type { App } from "#inference/http/app.ts";
import { withHeaders } from "#inference/http/http-response.ts";
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
export const refuseWhenFull = (app: App, { queue, offloadProcess, largeBytes, newId }: Needs): App => ({
  handle: (request) => {
    if (request.method !== "POST" || !isPredictPath(request.path)) return app.handle(request);
    const announced = Number(request.header("content-length") ?? 0) || 0;
    const isLarge = announced > largeBytes;
    if (!(isLarge ? offloadProcess.isFull(announced) : queue.isFull(announced))) return app.handle(request);
    const response = queueFullResponse(isLarge ? offloadProcess.queueSeconds() : queue.retryAfter());
    const identified = { "x-request-id": chooseRequestId(request, newId) };
    return Promise.resolve(withHeaders(adaptToProtocol(request, response), identified));
  },
});
