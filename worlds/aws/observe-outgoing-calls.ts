import { subscribe } from "node:diagnostics_channel";
import { ClientRequest, IncomingMessage } from "node:http";
import * as z from "zod";
import { redactError } from "./redact-error.ts";

/** One call to another service, as its caller saw it; addresses without their query, which may be signed. */
export type OutgoingCall = {
  /** AWS: the service as its client names it, such as `dynamodb`; else the host. */
  readonly service: string;
  readonly aws: boolean;
  /** Where AWS's protocol names it outside the body. */
  readonly operation: string | undefined;
  readonly method: string;
  readonly url: string;
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly status: number | undefined;
  readonly fault: { readonly name: string; readonly message: string } | undefined;
};

type Needs<Context> = {
  readonly clock: () => number;
  /** Whom the call belongs to that begins now; undefined: nobody asks. */
  readonly context: () => Context | undefined;
  readonly onEnd: (context: Context, call: OutgoingCall) => void;
};
type StartedCall = Pick<OutgoingCall, "service" | "aws" | "operation" | "method" | "url" | "from">;

const stripQuery = (path: string): string => path.split("?")[0] ?? "";

/** A request of node:http, which AWS's clients make; their user agent says which service they are for. */
const describeNodeRequest = (request: ClientRequest): Omit<StartedCall, "from"> => {
  const header = (name: string) => String(request.getHeader(name) ?? "");
  const service = header("user-agent").match(/\bapi\/([\w-]+)#/)?.[1];
  const operation = header("x-amz-target").split(".")[1];
  return {
    service: service ?? request.host,
    aws: service !== undefined,
    operation,
    method: request.method,
    url: `${request.protocol}//${request.host}${stripQuery(request.path)}`,
  };
};

const FetchRequest = z.object({
  origin: z.union([z.string(), z.instanceof(URL)]),
  path: z.string(),
  method: z.string(),
});
const FetchResponse = z.object({ response: z.object({ statusCode: z.number() }) });

/** A request of fetch: MLflow, GitHub and Slack. */
const describeFetchRequest = (request: unknown): Omit<StartedCall, "from"> | undefined => {
  const read = FetchRequest.safeParse(request);
  if (!read.success) return undefined;
  const { origin, path, method } = read.data;
  const { hostname: service } = new URL(origin);
  return { service, aws: false, operation: undefined, method, url: `${origin}${stripQuery(path)}` };
};

const readField = (message: unknown, name: "request" | "response" | "error"): unknown =>
  typeof message === "object" && message !== null && name in message
    ? Object.getOwnPropertyDescriptor(message, name)?.value
    : undefined;

/**
 * Tells of each call that this process makes over HTTP, by the channels that Node publishes them on: no client is
 * wrapped or patched. https://nodejs.org/docs/latest-v24.x/api/diagnostics_channel.html#built-in-channels
 */
export const observeOutgoingCalls = <Context>({ clock, context, onEnd }: Needs<Context>): void => {
  const open = new WeakMap<object, { readonly of: Context; readonly began: StartedCall }>();

  const begin = (request: unknown, said: Omit<StartedCall, "from"> | undefined) => {
    const of = context();
    if (of === undefined || !said || typeof request !== "object" || request === null) return;
    open.set(request, { of, began: { ...said, from: clock() } });
  };
  const end = (request: unknown, status: number | undefined, error: unknown) => {
    const found = typeof request === "object" && request !== null ? open.get(request) : undefined;
    if (!found || typeof request !== "object" || request === null) return;
    open.delete(request);
    const fault = error === undefined ? undefined : redactError(error);
    onEnd(found.of, { ...found.began, to: clock(), status, fault });
  };

  subscribe("http.client.request.start", (message) => {
    const request = readField(message, "request");
    if (request instanceof ClientRequest) begin(request, describeNodeRequest(request));
  });
  subscribe("http.client.response.finish", (message) => {
    const response = readField(message, "response");
    end(
      readField(message, "request"),
      response instanceof IncomingMessage ? response.statusCode : undefined,
      undefined,
    );
  });
  subscribe("http.client.request.error", (message) =>
    end(readField(message, "request"), undefined, readField(message, "error")),
  );
  subscribe("undici:request:create", (message) => {
    const request = readField(message, "request");
    begin(request, describeFetchRequest(request));
  });
  subscribe("undici:request:headers", (message) => {
    const answered = FetchResponse.safeParse(message);
    end(
      readField(message, "request"),
      answered.success ? answered.data.response.statusCode : undefined,
      undefined,
    );
  });
  subscribe("undici:request:error", (message) =>
    end(readField(message, "request"), undefined, readField(message, "error")),
  );
};
