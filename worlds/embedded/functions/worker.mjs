/**
 * One inference function in a process of its own, as function-process.ts forks it: imports the bundle named
 * by the first argument and answers one request at a time. Plain JavaScript, because Node's type stripping
 * would cost each worker 18 MB and 30 ms.
 */
import { pathToFileURL } from "node:url";

/** Messages that can no longer be sent have no reader either. */
const send = (message) => {
  if (process.connected) process.send(message, () => {});
};
const formatError = (error) =>
  error instanceof Error ? `${error.name}: ${error.message}` : `a thrown ${typeof error}`;

// The parent's end, even by SIGKILL, is this process's end; Ctrl-C in the terminal is the parent's to handle.
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});

// Lines go the way that answers go, so that a request's metrics arrive before its answer does.
const decoder = new TextDecoder();
process.stdout.write = (chunk, encoding, callback) => {
  send({ kind: "output", text: typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true }) });
  const done = typeof encoding === "function" ? encoding : callback;
  if (done) process.nextTick(done);
  return true;
};

const createContext = ({ id, deadline }) => ({
  awsRequestId: id,
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
  memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
});

/** The records' place lies with the parent, which holds the store; bytes travel as base64. */
const calls = new Map();
let callCount = 0;
const callParent = (method, ...args) =>
  new Promise((resolve, reject) => {
    const call = ++callCount;
    calls.set(call, { resolve, reject });
    send({ kind: "call", call, asked: { method, args } });
  });
const settleCall = ({ kind, call, value, error }) => {
  const asked = calls.get(call);
  calls.delete(call);
  if (kind === "result") asked?.resolve(value);
  else asked?.reject(Object.assign(new Error(error.message), { name: error.name }));
};
const recordPlace = {
  store: {
    get: async (key) => (await callParent("get", key)) ?? undefined,
    page: (query) => callParent("page", query),
    putAll: (entries) => callParent("putAll", entries),
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
/** The event with a body that came as bytes, as API Gateway makes it; undefined: it is larger than a function takes. */
const addBody = (event, { bytes, isText, eventLimit }) => {
  const made = { ...event, isBase64Encoded: true };
  try {
    if (isText) Object.assign(made, { body: utf8.decode(bytes), isBase64Encoded: false });
  } catch {
    // No UTF-8: it goes as bytes do.
  }
  made.body ??= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  return Buffer.byteLength(JSON.stringify(made)) > eventLimit ? undefined : made;
};
/** An HTTP answer whose body goes as bytes beside it, for a request whose body came so. */
const separateBody = (answer) => {
  const { body, isBase64Encoded, ...rest } = answer;
  return { payload: rest, body: Buffer.from(body, isBase64Encoded === true ? "base64" : "utf8") };
};

try {
  const bundle = await import(pathToFileURL(process.argv[2]).href);
  if (typeof bundle.handler !== "function")
    throw new TypeError("index.mjs exports no function named handler");
  // An image of an earlier runtime keeps no records.
  const keepsRecords = process.argv[3] === "records" && typeof bundle.handlerOn === "function";
  const handler = keepsRecords ? bundle.handlerOn(recordPlace) : bundle.handler;
  process.on("message", async (message) => {
    if (message.kind === "result" || message.kind === "refused") return settleCall(message);
    const { id, deadline, payload, body } = message;
    try {
      const event = body === undefined ? payload : addBody(payload, body);
      if (event === undefined) return send({ kind: "too-large", id });
      // Measured here, as Lambda bills it: how busy the parent is belongs to nobody's duration.
      const began = performance.now();
      const answer = await handler(event, createContext({ id, deadline }));
      const durationMs = performance.now() - began;
      // What leaves a function is JSON, and the channel would carry more than that.
      const isHttp =
        body !== undefined && typeof answer?.statusCode === "number" && typeof answer.body === "string";
      const apart = isHttp ? separateBody(answer) : { payload: answer ?? null };
      send({ kind: "answer", id, ...apart, payload: JSON.parse(JSON.stringify(apart.payload)), durationMs });
    } catch (error) {
      send({ kind: "error", id, message: formatError(error) });
    }
  });
  send({ kind: "ready" });
} catch (error) {
  if (process.connected) process.send({ kind: "broken", message: formatError(error) }, () => process.exit(1));
  else process.exit(1);
}
