import type { Gate } from "./app.ts";
import { isOwnHost } from "./host-names.ts";
import { hostRefusal } from "./in-protocol.ts";
import { problem } from "./problem.ts";

/** What a container platform asks by the container's address. It tells nothing but that the process lives. */
const probes = ["/health", "/ready"];

/**
 * Refuses requests for another host than this server (421): DNS rebinding. For a server that anybody may point a name
 * at; API Gateway does this itself, since it finds the API by the domain.
 * @param names configured names, beside those of the loopback interface
 */
export const checkHost =
  (names: readonly string[]): Gate =>
  async (request, answer) =>
    isOwnHost(request.header("host"), names) || probes.includes(request.path)
      ? answer(request)
      : hostRefusal(
          request,
          problem(
            "wrong-host",
            "This server answers to localhost and to the names that it was started with (--host-name).",
          ),
        );
