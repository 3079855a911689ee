import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { ErrorRequest, ErrorTypeHeader, NextHeaders, responseSizeLimit, routes } from "./schemas.ts";

/** One event for the function, with the headers for its client. */
type RuntimeEvent = { readonly payload: string; readonly headers: NextHeaders };

/** How an event ended, as JSON for the caller. */
export type RuntimeResult =
  | { readonly status: "answered"; readonly payload: string }
  | { readonly status: "failed"; readonly error: ErrorRequest };

export type RuntimeApi = {
  /** For AWS_LAMBDA_RUNTIME_API. */
  readonly address: string;
  /** Resolves when the runtime requests its first event, or reports why it cannot start. */
  readonly started: Promise<
    { readonly status: "ready" } | { readonly status: "failed"; readonly error: ErrorRequest }
  >;
  /** Sends the runtime an event; one at a time. Throws RuntimeRuleBroken when the runtime breaks the protocol. */
  invoke(pending: RuntimeEvent): Promise<RuntimeResult>;
  stop(): Promise<void>;
};

/** The runtime broke the protocol of the Runtime API. */
export class RuntimeRuleBroken extends Error {
  override readonly name = "RuntimeRuleBroken";
}

type PendingInvocation = {
  readonly id: string;
  readonly end: (ended: RuntimeResult) => void;
  readonly fail: (error: Error) => void;
};

const sendJson = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
};
const sendAccepted = (response: ServerResponse): void => sendJson(response, 202, { status: "OK" });

const readError = (request: IncomingMessage, body: Buffer): ErrorRequest => {
  ErrorTypeHeader.parse(request.headers["lambda-runtime-function-error-type"]);
  return ErrorRequest.parse(JSON.parse(body.toString("utf8")));
};

/**
 * Lambda's Runtime API for one execution environment, on a free port of 127.0.0.1: next, response, error and
 * init/error. The same schemas (schemas.ts) check requests and responses.
 */
export const startRuntimeApi = async (): Promise<RuntimeApi> => {
  const started = Promise.withResolvers<Awaited<RuntimeApi["started"]>>();
  let pending: RuntimeEvent | undefined;
  let waiting: ServerResponse | undefined;
  let current: PendingInvocation | undefined;
  let broken: RuntimeRuleBroken | undefined;

  const breakRule = (response: ServerResponse, status: 400 | 403, errorType: string, text: string): void => {
    broken = new RuntimeRuleBroken(text);
    current?.fail(broken);
    sendJson(response, status, { errorMessage: text, errorType });
  };
  const sendNext = (): void => {
    if (pending === undefined || waiting === undefined) return;
    const { payload, headers } = pending;
    waiting
      .writeHead(200, { "content-type": "application/json", ...NextHeaders.parse(headers) })
      .end(payload);
    pending = undefined;
    waiting = undefined;
  };
  const finish = (ended: RuntimeResult): void => {
    current?.end(ended);
    current = undefined;
  };

  const handleResponse = (response: ServerResponse, body: Buffer): void => {
    if (body.length > responseSizeLimit) {
      const errorMessage = `Response payload size exceeded maximum allowed payload size (${responseSizeLimit} bytes).`;
      finish({ status: "failed", error: { errorType: "Function.ResponseSizeTooLarge", errorMessage } });
      sendJson(response, 413, { errorMessage, errorType: "RequestEntityTooLarge" });
      return;
    }
    const payload = body.toString("utf8");
    JSON.parse(payload);
    finish({ status: "answered", payload });
    sendAccepted(response);
  };

  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? "";
    const route = routes.find((each) => each.method === request.method && each.path.test(path));
    if (!route) return breakRule(response, 400, "InvalidRequest", `unknown path: ${request.method} ${path}`);
    const body = await buffer(request);
    const id = decodeURIComponent(route.path.exec(path)?.[1] ?? "");
    if ((route.what === "response" || route.what === "error") && id !== current?.id)
      return breakRule(response, 400, "InvalidRequestID", `${id} is not the current event`);
    switch (route.what) {
      case "next":
        if (current !== undefined && pending === undefined)
          return breakRule(
            response,
            403,
            "InvalidStateTransition",
            "next before the response to the current event",
          );
        started.resolve({ status: "ready" });
        waiting = response;
        return sendNext();
      case "response":
        return handleResponse(response, body);
      case "error":
        finish({ status: "failed", error: readError(request, body) });
        return sendAccepted(response);
      case "init error":
        started.resolve({ status: "failed", error: readError(request, body) });
        return sendAccepted(response);
      default:
        return route satisfies never;
    }
  };

  const server = createServer((request, response) => {
    receive(request, response).catch((error: unknown) =>
      breakRule(response, 400, "InvalidRequest", `${request.method} ${request.url}: ${String(error)}`),
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");

  return {
    address: `127.0.0.1:${address.port}`,
    started: started.promise,
    invoke: (next) => {
      if (broken) return Promise.reject(broken);
      if (current) return Promise.reject(new Error("another event is running"));
      const { promise, resolve, reject } = Promise.withResolvers<RuntimeResult>();
      current = { id: next.headers["lambda-runtime-aws-request-id"], end: resolve, fail: reject };
      pending = next;
      sendNext();
      return promise;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
};
