/**
 * Runs one inference function in a process that function-process.ts forks: imports the bundle of the first argument and
 * handles one request at a time. Plain JavaScript, because Node's type stripping costs each worker 18 MB and 30 ms.
 */
import { pathToFileURL } from "node:url";

/** A disconnected parent reads no messages. */
const send = (message) => {
  if (process.connected) process.send(message, () => {});
};
const formatError = (error) =>
  error instanceof Error ? `${error.name}: ${error.message}` : `a thrown ${typeof error}`;

// This process ends with its parent, even after SIGKILL; the parent handles Ctrl-C.
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});

// Output uses the channel of responses, so that a request's metrics arrive before its response.
const decoder = new TextDecoder();
process.stdout.write = (chunk, encoding, callback) => {
  send({ kind: "output", text: typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true }) });
  const done = typeof encoding === "function" ? encoding : callback;
  if (done) process.nextTick(done);
  return true;
};

const createContext = ({ id, deadline, qualifier }) => ({
  awsRequestId: id,
  invokedFunctionArn: `arn:aws:lambda:eu-central-1:000000000000:function:${process.env.AWS_LAMBDA_FUNCTION_NAME}:${qualifier}`,
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
  memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
});

/** The parent holds the store and serves all calls to records; bytes are base64. */
const calls = new Map();
let callCount = 0;
const callParent = (method, ...args) =>
  new Promise((resolve, reject) => {
    const call = ++callCount;
    calls.set(call, { resolve, reject });
    send({ kind: "call", call, request: { method, args } });
  });
const settleCall = ({ kind, call, value, error }) => {
  const pending = calls.get(call);
  calls.delete(call);
  if (kind === "result") pending?.resolve(value);
  else pending?.reject(Object.assign(new Error(error.message), { name: error.name }));
};
/** The parent gets values, not text: it must not trust the text of a process that runs a model. */
const decodeEntry = ({ json, ...entry }) =>
  json === undefined ? entry : { ...entry, value: JSON.parse(json) };
const recordPlace = {
  store: {
    get: async (key) => (await callParent("get", key)) ?? undefined,
    page: (query) => callParent("page", query),
    putAll: (entries) => callParent("putAll", entries.map(decodeEntry)),
    add: (key, amounts, options = {}) => callParent("add", key, amounts, options),
  },
  blobs: {
    put: (key, bytes, options) => callParent("putBlob", key, Buffer.from(bytes).toString("base64"), options),
    get: async (key) => {
      const bytes = await callParent("getBlob", key);
      return bytes === null ? undefined : Buffer.from(bytes, "base64");
    },
  },
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Adds a body of bytes to the event, as API Gateway does; undefined: the event is too large for a function. */
const addBody = (event, { bytes, isText, eventLimit }) => {
  const result = { ...event, isBase64Encoded: true };
  try {
    if (isText) Object.assign(result, { body: utf8.decode(bytes), isBase64Encoded: false });
  } catch {
    // Not UTF-8, so it becomes base64 below.
  }
  result.body ??= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  return Buffer.byteLength(JSON.stringify(result)) > eventLimit ? undefined : result;
};
/** Separates the body of an HTTP response as bytes, for a request whose body was bytes too. */
const separateBody = (response) => {
  const { body, isBase64Encoded, ...rest } = response;
  return { payload: rest, body: Buffer.from(body, isBase64Encoded === true ? "base64" : "utf8") };
};

try {
  const bundle = await import(pathToFileURL(process.argv[2]).href);
  if (typeof bundle.handler !== "function")
    throw new TypeError("index.mjs exports no function named handler");
  // Images of older runtimes keep no records.
  const keepsRecords = process.argv[3] === "records" && typeof bundle.handlerOn === "function";
  const handler = keepsRecords ? bundle.handlerOn(recordPlace) : bundle.handler;
  process.on("message", async (message) => {
    if (message.kind === "result" || message.kind === "refused") return settleCall(message);
    const { id, deadline, qualifier, payload, body } = message;
    try {
      const event = body === undefined ? payload : addBody(payload, body);
      if (event === undefined) return send({ kind: "too-large", id });
      // Measured in the worker, as Lambda bills it, without the parent's delays.
      const startedAt = performance.now();
      const response = await handler(event, createContext({ id, deadline, qualifier }));
      const durationMs = performance.now() - startedAt;
      // A function's result is JSON; the channel itself could carry more types.
      const isHttp =
        body !== undefined && typeof response?.statusCode === "number" && typeof response.body === "string";
      const parts = isHttp ? separateBody(response) : { payload: response ?? null };
      send({ kind: "answer", id, ...parts, payload: JSON.parse(JSON.stringify(parts.payload)), durationMs });
    } catch (error) {
      send({ kind: "error", id, message: formatError(error) });
    }
  });
  send({ kind: "ready" });
} catch (error) {
  if (process.connected) process.send({ kind: "broken", message: formatError(error) }, () => process.exit(1));
  else process.exit(1);
}
