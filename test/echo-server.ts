import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/**
 * A server that refuses every call in the words of the call itself, headers and body, as a badly behaved proxy would:
 * `refusal` makes an answer's body of them. On a free port of 127.0.0.1.
 */
export const echoServer = async (
  refusal: (said: string) => { readonly status: number; readonly body: object },
) => {
  const server = createServer(async (request, response) => {
    const said = `${request.method} ${request.url} ${JSON.stringify(request.headers)} ${await text(request)}`;
    const { status, body } = refusal(said);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
