import { subscribe } from "node:diagnostics_channel";
import { ClientRequest, IncomingMessage } from "node:http";
import * as z from "zod";
import { redactError } from "./redact-error.ts";

/** One call to another service, as its caller saw it; addresses without their query, which may be signed. */
export type OutgoingCall = {
  /** AWS: the service as its client names it, for example `dynamodb`; otherwise the host. */
  readonly service: string;
  readonly aws: boolean;
  /** Known if AWS's protocol names it outside the body. */
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
  /** The owner of a call that begins now; undefined: the call is not observed. */
  readonly context: () => Context | undefined;
  readonly onEnd: (context: Context, call: OutgoingCall) => void;
};
type StartedCall = Pick<OutgoingCall, "service" | "aws" | "operation" | "method" | "url" | "from">;

const stripQuery = (path: string): string => path.split("?")[0] ?? "";

/** A request of node:http, which AWS's clients use; their user agent names the service. */
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
  const parsed = FetchRequest.safeParse(request);
  if (!parsed.success) return undefined;
  const { origin, path, method } = parsed.data;
  const { hostname: service } = new URL(origin);
  return { service, aws: false, operation: undefined, method, url: `${origin}${stripQuery(path)}` };
};

const readField = (message: unknown, name: "request" | "response" | "error"): unknown =>
  typeof message === "object" && message !== null && name in message
    ? Object.getOwnPropertyDescriptor(message, name)?.value
    : undefined;

/**
 * Reports each HTTP call of this process, from the channels on which Node publishes them: no client is wrapped or
 * patched. https://nodejs.org/docs/latest-v24.x/api/diagnostics_channel.html#built-in-channels
 */
export const observeOutgoingCalls = <Context>({ clock, context, onEnd }: Needs<Context>): void => {
  const open = new WeakMap<object, { readonly owner: Context; readonly start: StartedCall }>();

  const begin = (request: unknown, description: Omit<StartedCall, "from"> | undefined) => {
    const owner = context();
    if (owner === undefined || !description || typeof request !== "object" || request === null) return;
    open.set(request, { owner, start: { ...description, from: clock() } });
  };
  const end = (request: unknown, status: number | undefined, error: unknown) => {
    const call = typeof request === "object" && request !== null ? open.get(request) : undefined;
    if (!call || typeof request !== "object" || request === null) return;
    open.delete(request);
    const fault = error === undefined ? undefined : redactError(error);
    onEnd(call.owner, { ...call.start, to: clock(), status, fault });
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
    const parsed = FetchResponse.safeParse(message);
    end(
      readField(message, "request"),
      parsed.success ? parsed.data.response.statusCode : undefined,
      undefined,
    );
  });
  subscribe("undici:request:error", (message) =>
    end(readField(message, "request"), undefined, readField(message, "error")),
  );
};
