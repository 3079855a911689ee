import { subscribe } from "node:diagnostics_channel";
import { ClientRequest, IncomingMessage } from "node:http";
import * as z from "zod";
import { faultInWords } from "./fault-in-words.ts";

/** One call to another service, as its caller saw it; addresses without their query, which may be signed. */
export type Call = {
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
  readonly onEnd: (context: Context, call: Call) => void;
};
type Began = Pick<Call, "service" | "aws" | "operation" | "method" | "url" | "from">;

const withoutQuery = (path: string): string => path.split("?")[0] ?? "";

/** A request of node:http, which AWS's clients make; their user agent says which service they are for. */
const ofClient = (request: ClientRequest): Omit<Began, "from"> => {
  const header = (name: string) => String(request.getHeader(name) ?? "");
  const service = header("user-agent").match(/\bapi\/([\w-]+)#/)?.[1];
  const operation = header("x-amz-target").split(".")[1];
  return {
    service: service ?? request.host,
    aws: service !== undefined,
    operation,
    method: request.method,
    url: `${request.protocol}//${request.host}${withoutQuery(request.path)}`,
  };
};

const Fetched = z.object({
  origin: z.union([z.string(), z.instanceof(URL)]),
  path: z.string(),
  method: z.string(),
});
const Answered = z.object({ response: z.object({ statusCode: z.number() }) });

/** A request of fetch: MLflow, GitHub and Slack. */
const ofFetch = (request: unknown): Omit<Began, "from"> | undefined => {
  const read = Fetched.safeParse(request);
  if (!read.success) return undefined;
  const { origin, path, method } = read.data;
  const { hostname: service } = new URL(origin);
  return { service, aws: false, operation: undefined, method, url: `${origin}${withoutQuery(path)}` };
};

const field = (message: unknown, name: "request" | "response" | "error"): unknown =>
  typeof message === "object" && message !== null && name in message
    ? Object.getOwnPropertyDescriptor(message, name)?.value
    : undefined;

/**
 * Tells of each call that this process makes over HTTP, by the channels that Node publishes them on: no client is
 * wrapped or patched. https://nodejs.org/docs/latest-v24.x/api/diagnostics_channel.html#built-in-channels
 */
export const outgoingCalls = <Context>({ clock, context, onEnd }: Needs<Context>): void => {
  const open = new WeakMap<object, { readonly of: Context; readonly began: Began }>();

  const begin = (request: unknown, said: Omit<Began, "from"> | undefined) => {
    const of = context();
    if (of === undefined || !said || typeof request !== "object" || request === null) return;
    open.set(request, { of, began: { ...said, from: clock() } });
  };
  const end = (request: unknown, status: number | undefined, error: unknown) => {
    const found = typeof request === "object" && request !== null ? open.get(request) : undefined;
    if (!found || typeof request !== "object" || request === null) return;
    open.delete(request);
    const fault = error === undefined ? undefined : faultInWords(error);
    onEnd(found.of, { ...found.began, to: clock(), status, fault });
  };

  subscribe("http.client.request.start", (message) => {
    const request = field(message, "request");
    if (request instanceof ClientRequest) begin(request, ofClient(request));
  });
  subscribe("http.client.response.finish", (message) => {
    const response = field(message, "response");
    end(
      field(message, "request"),
      response instanceof IncomingMessage ? response.statusCode : undefined,
      undefined,
    );
  });
  subscribe("http.client.request.error", (message) =>
    end(field(message, "request"), undefined, field(message, "error")),
  );
  subscribe("undici:request:create", (message) => {
    const request = field(message, "request");
    begin(request, ofFetch(request));
  });
  subscribe("undici:request:headers", (message) => {
    const answered = Answered.safeParse(message);
    end(
      field(message, "request"),
      answered.success ? answered.data.response.statusCode : undefined,
      undefined,
    );
  });
  subscribe("undici:request:error", (message) =>
    end(field(message, "request"), undefined, field(message, "error")),
  );
};
