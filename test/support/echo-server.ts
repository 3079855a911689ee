import { startStubServer } from "./stub-server.ts";

/**
 * A server that refuses every call in the words of the call itself, headers and body, as a badly behaved proxy would:
 * `refusal` makes an answer's body of them. On a free port of 127.0.0.1.
 */
export const startEchoServer = (
  refusal: (call: string) => { readonly status: number; readonly body: object },
) =>
  startStubServer(({ method, url, headers }, sent, response) => {
    const { status, body } = refusal(`${method} ${url} ${JSON.stringify(headers)} ${sent.toString("utf8")}`);
    response.statusCode = status;
    return body;
  });
