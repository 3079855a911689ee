import { startStubServer } from "./stub-server.ts";

/**
 * A server that refuses every call and echoes its headers and body, as a bad proxy would: `refusal` makes the response
 * from them. On a free port of 127.0.0.1.
 */
export const startEchoServer = (
  refusal: (call: string) => { readonly status: number; readonly body: object },
) =>
  startStubServer(({ method, url, headers }, data, response) => {
    const { status, body } = refusal(`${method} ${url} ${JSON.stringify(headers)} ${data.toString("utf8")}`);
    response.statusCode = status;
    return body;
  });
