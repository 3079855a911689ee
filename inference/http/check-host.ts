import { hostProblemResponse } from "./adapt-to-protocol.ts";
import type { Middleware } from "./app.ts";
import { createProblem } from "./create-problem.ts";
import { isOwnHost } from "./is-own-host.ts";

/** What a container platform asks by the container's address. It tells nothing but that the process lives. */
const probePaths = ["/health", "/ready"];

/**
 * Refuses requests for another host than this server (421): DNS rebinding. For a server that anybody may point a name
 * at; API Gateway does this itself, since it finds the API by the domain.
 * @param names configured names, beside those of the loopback interface
 */
export const checkHost =
  (names: readonly string[]): Middleware =>
  async (request, answer) =>
    isOwnHost(request.header("host"), names) || probePaths.includes(request.path)
      ? answer(request)
      : hostProblemResponse(
          request,
          createProblem(
            "wrong-host",
            "This server answers to localhost and to the names that it was started with (--host-name).",
          ),
        );
