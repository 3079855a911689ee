import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

/** An HTTP server on a free port; `respond` makes the body of each response. */
export const startStubServer = async (
  respond: (request: IncomingMessage, body: Buffer, response: ServerResponse) => unknown,
) => {
  const server = createServer(async (request, response) => {
    const body = await respond(request, await buffer(request), response);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
};
