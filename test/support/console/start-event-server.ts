import { once } from "node:events";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";

type HttpApiResponse = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: string;
};

/**
 * An HTTP server that passes each request to a function as API Gateway does (payload version 2.0). Its name is
 * localhost: browsers accept secure cookies of that host without TLS.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export const startEventServer = async (handle: (event: object) => Promise<HttpApiResponse>) => {
  const answered: { readonly method: string; readonly path: string; readonly status: number }[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const { cookie, ...headers } = request.headers;
    const method = request.method ?? "GET";
    const event = {
      version: "2.0",
      rawPath: url.pathname,
      rawQueryString: url.search.slice(1),
      headers,
      ...(cookie !== undefined && { cookies: cookie.split("; ") }),
      requestContext: { http: { method } },
      body: (await buffer(request)).toString("base64"),
      isBase64Encoded: true,
    };
    const { statusCode, headers: sent, cookies, body } = await handle(event);
    answered.push({ method, path: url.pathname, status: statusCode });
    for (const [name, value] of Object.entries(sent)) response.setHeader(name, value);
    response.setHeader("set-cookie", cookies);
    response.writeHead(statusCode).end(body);
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://localhost:${address.port}`,
    answered,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
};
