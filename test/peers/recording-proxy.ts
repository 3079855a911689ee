import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";

/** A signed call as a service received it. */
export type RecordedCall = {
  /** The caller's function: its process's access key. */
  readonly function: string;
  /** The ARN of the assumed role; undefined: the function's own role. */
  readonly role?: string;
  /** As in the signature's scope: `dynamodb`, `apigateway`, `execute-api`. */
  readonly service: string;
  readonly region: string;
  /** `GetItem`; method and path for services without operation names: `GET /v2/apis/a1/routes`. */
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** The request's input, where it is JSON or a form. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly status: number;
};

export type RecordingProxy = {
  /** For AWS_ENDPOINT_URL of the recorded processes. */
  readonly endpoint: string;
  readonly calls: readonly RecordedCall[];
  /** The next call of this operation succeeds, but its response is lost; `meanwhile` runs before the retry. */
  loseAnswer(operation: string, meanwhile?: () => Promise<unknown>): void;
  /** Calls of this operation fail with a service error, until set to `undefined`. */
  fail(operation: string | undefined): void;
  stop(): Promise<void>;
};

/** Lambda's REST paths, as its clients write them: https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html */
const lambdaPaths: readonly (readonly [RegExp, string])[] = [
  [/^GET \/2015-03-31\/functions\/?$/, "ListFunctions"],
  [/^POST \/2015-03-31\/functions\/?$/, "CreateFunction"],
  [/^GET \/2015-03-31\/functions\/[^/]+$/, "GetFunction"],
  [/^DELETE \/2015-03-31\/functions\/[^/]+$/, "DeleteFunction"],
  [/^GET \/2015-03-31\/functions\/[^/]+\/configuration$/, "GetFunctionConfiguration"],
  [/^PUT \/2015-03-31\/functions\/[^/]+\/configuration$/, "UpdateFunctionConfiguration"],
  [/^PUT \/2015-03-31\/functions\/[^/]+\/code$/, "UpdateFunctionCode"],
  [/^GET \/2015-03-31\/functions\/[^/]+\/versions$/, "ListVersionsByFunction"],
  [/^POST \/2015-03-31\/functions\/[^/]+\/versions$/, "PublishVersion"],
  [/^POST \/2015-03-31\/functions\/[^/]+\/aliases$/, "CreateAlias"],
  [/^GET \/2015-03-31\/functions\/[^/]+\/aliases\/[^/]+$/, "GetAlias"],
  [/^PUT \/2015-03-31\/functions\/[^/]+\/aliases\/[^/]+$/, "UpdateAlias"],
  [/^DELETE \/2015-03-31\/functions\/[^/]+\/aliases\/[^/]+$/, "DeleteAlias"],
  [/^POST \/2015-03-31\/functions\/[^/]+\/policy$/, "AddPermission"],
  [/^POST \/2015-03-31\/functions\/[^/]+\/invocations$/, "Invoke"],
];

const parseInput = (type: string, body: Buffer): Readonly<Record<string, unknown>> => {
  const text = body.toString("utf8");
  if (type.startsWith("application/x-www-form-urlencoded"))
    return Object.fromEntries(new URLSearchParams(text));
  if (!text.startsWith("{")) return {};
  const value: unknown = JSON.parse(text);
  return { ...(value as object) };
};

/** The operation's name: each protocol has it in another place. */
const readOperation = (
  service: string,
  headers: IncomingMessage["headers"],
  place: string,
  input: Readonly<Record<string, unknown>>,
): string => {
  const target = headers["x-amz-target"];
  if (typeof target === "string") return target.slice(target.lastIndexOf(".") + 1);
  const operation = /\/operation\/(\w+)$/.exec(place)?.[1];
  if (operation !== undefined) return operation;
  if (service === "lambda") return lambdaPaths.find(([path]) => path.test(place))?.[1] ?? place;
  if (service === "s3") {
    const [method = "", path = ""] = place.split(" ");
    return `${{ GET: "Get", PUT: "Put", HEAD: "Head", DELETE: "Delete" }[method] ?? method}${path.split("/").filter(Boolean).length > 1 ? "Object" : "Bucket"}`;
  }
  return typeof input.Action === "string" ? input.Action : place;
};

const scope = /Credential=([^,]+?)\/\d{8}\/([\w-]+)\/([\w-]+)\/aws4_request/;
const accessKeyPattern = /<AccessKeyId>([^<]+)<\/AccessKeyId>/;

/**
 * A proxy to moto (or another server for AWS's calls) that records each signed call with its function, role and input. A
 * process is identified by its access key, which is the function's name; keys from AssumeRole map back to it. Set each
 * process's name in AWS_ACCESS_KEY_ID and this endpoint in AWS_ENDPOINT_URL.
 * `targets`: another server for a signed service, for example `{ "execute-api": mlflow.uri }`.
 * `delayMs`: how long each call waits before it is forwarded, as on a network.
 */
export const startRecordingProxy = async (
  target: string,
  targets: Readonly<Record<string, string>> = {},
  delayMs = 0,
): Promise<RecordingProxy> => {
  const calls: RecordedCall[] = [];
  const losses = new Map<string, () => Promise<unknown>>();
  let failingOperation: string | undefined;
  const sessions = new Map<string, { readonly function: string; readonly role: string }>();

  const forward = async (from: IncomingMessage, body: Buffer, to: string) => {
    const call = request(new URL(from.url ?? "/", to), {
      method: from.method,
      headers: { ...from.headers, connection: "close" },
    });
    call.end(body);
    const [response]: IncomingMessage[] = await once(call, "response");
    if (response === undefined) throw new Error("the service sent no response");
    return { response, bytes: await buffer(response) };
  };

  const server = createServer((from, to) => {
    const handle = async () => {
      const body = await buffer(from);
      const [, key = "", region = "", service = ""] = scope.exec(String(from.headers.authorization)) ?? [];
      const { pathname: path, searchParams } = new URL(from.url ?? "/", target);
      const method = from.method ?? "";
      const input =
        service === "s3" || service === "execute-api"
          ? {}
          : parseInput(String(from.headers["content-type"]), body);
      const operation = readOperation(service, from.headers, `${method} ${path}`, input);
      if (operation === failingOperation) {
        to.writeHead(500, { "x-amzn-errortype": "InternalServerError" });
        to.end(JSON.stringify({ __type: "InternalServerError" }));
        return;
      }
      if (delayMs > 0) await pause(delayMs);
      const { response, bytes } = await forward(from, body, targets[service] ?? target);
      const caller = sessions.get(key) ?? { function: key };
      const status = response.statusCode ?? 502;
      const query = Object.fromEntries(searchParams);
      if (key !== "")
        calls.push({ ...caller, service, region, operation, method, path, query, input, status });
      if (operation === "AssumeRole") {
        const accessKey = accessKeyPattern.exec(bytes.toString("utf8"))?.[1];
        if (accessKey !== undefined)
          sessions.set(accessKey, { function: caller.function, role: String(input.RoleArn) });
      }
      const meanwhile = losses.get(operation);
      if (meanwhile !== undefined) {
        losses.delete(operation);
        await meanwhile();
        from.socket.destroy();
        return;
      }
      to.writeHead(status, response.rawHeaders);
      to.end(bytes);
    };
    handle().catch(() => from.socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    calls,
    loseAnswer: (operation, meanwhile = async () => undefined) => void losses.set(operation, meanwhile),
    fail: (operation) => {
      failingOperation = operation;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
};
