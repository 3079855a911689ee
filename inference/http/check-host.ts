import { hostProblemResponse } from "./adapt-to-protocol.ts";
import type { Middleware } from "./app.ts";
import { createProblem } from "./create-problem.ts";
import { isOwnHost } from "./is-own-host.ts";

/** Container platforms probe these by the container's address. They reveal nothing but that the process is running. */
const probePaths = ["/health", "/ready"];

/**
 * Refuses requests for another host (421), against DNS rebinding. API Gateway does not need it, because it selects the API
 * by the domain.
 * @param names configured names, besides loopback names
 */
export const checkHost = (names: readonly string[]): Middleware => {
  let lastOwn: string | undefined;
  /** Most requests name the host of the one before. */
  const isOwn = (host: string | undefined): boolean => {
    if (host !== undefined && host === lastOwn) return true;
    if (!isOwnHost(host, names)) return false;
    lastOwn = host;
    return true;
  };
  return (request, next) =>
    isOwn(request.header("host")) || probePaths.includes(request.path)
      ? next(request)
      : Promise.resolve(
          hostProblemResponse(
            request,
            createProblem(
              "wrong-host",
              "This server accepts localhost and the names of its --host-name option.",
            ),
          ),
        );
};
