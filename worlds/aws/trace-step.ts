import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { log } from "./log.ts";
import { type OutgoingCall, observeOutgoingCalls } from "./observe-outgoing-calls.ts";
import { redactError } from "./redact-error.ts";
import { sendXraySegments } from "./send-xray-segments.ts";

/** A step that invokes a model a thousand times makes the same call a thousand times. */
const maxCalls = 100;

type Trace = { readonly calls: OutgoingCall[]; omitted: number };
const currentTrace = new AsyncLocalStorage<Trace>();
/** 64 bits in hex, unique within its trace. */
const newId = () => randomBytes(8).toString("hex");
const toSeconds = (at: number) => at / 1_000;

observeOutgoingCalls({
  clock: Date.now,
  context: () => currentTrace.getStore(),
  onEnd: (trace, call) => {
    if (trace.calls.length < maxCalls) trace.calls.push(call);
    else trace.omitted++;
  },
});

/**
 * The trace of this invocation; undefined if it is not sampled.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
const parseTraceHeader = (header: string | undefined) => {
  const fields = new Map(
    (header ?? "").split(";").map((field) => [field.split("=")[0], field.split("=")[1]]),
  );
  const [trace_id, parent] = [fields.get("Root"), fields.get("Parent")];
  return trace_id && parent && fields.get("Sampled") === "1" ? { trace_id, parent } : undefined;
};

/** 4xx is the caller's error, 5xx or no response is the other side's fault. */
const describeFailure = ({ status, fault }: OutgoingCall) => ({
  ...(status !== undefined && status >= 400 && status < 500 ? { error: true } : {}),
  ...(status === 429 ? { throttle: true } : {}),
  ...((status !== undefined && status >= 500) || fault ? { fault: true } : {}),
  ...(fault ? { cause: { exceptions: [{ id: newId(), type: fault.name, message: fault.message }] } } : {}),
});

const createCallDocument = (call: OutgoingCall) => ({
  name: call.service.slice(0, 200),
  start_time: toSeconds(call.from),
  end_time: toSeconds(call.to),
  namespace: call.aws ? "aws" : "remote",
  ...(call.operation ? { aws: { operation: call.operation } } : {}),
  http: {
    request: { method: call.method, url: call.url },
    ...(call.status === undefined ? {} : { response: { status: call.status } }),
  },
  ...describeFailure(call),
});

/**
 * Does the work as a subsegment of X-Ray's trace, with a subsegment for each call: its address, status and
 * times, never its content. Without a sampled trace it only does the work. A trace that cannot be sent fails nothing.
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
 */
export const traceStep = async <T>(
  name: string,
  annotations: Readonly<Record<string, unknown>>,
  work: () => Promise<T>,
): Promise<T> => {
  const { _X_AMZN_TRACE_ID: header, AWS_XRAY_DAEMON_ADDRESS: daemon } = process.env;
  const parentTrace = parseTraceHeader(header);
  if (!parentTrace || !daemon) return work();
  const trace: Trace = { calls: [], omitted: 0 };
  const { trace_id, parent } = parentTrace;
  const id = newId();
  const from = Date.now();
  const send = async (failed: object) => {
    const common = { trace_id, type: "subsegment" };
    const times = { start_time: toSeconds(from), end_time: toSeconds(Date.now()) };
    const own = { ...common, id, parent_id: parent, name, ...times };
    const omitted = trace.omitted > 0 ? { untracedCalls: trace.omitted } : {};
    const calls = trace.calls.map((call) => ({
      ...common,
      id: newId(),
      parent_id: id,
      ...createCallDocument(call),
    }));
    const step = { ...own, annotations: { ...annotations, ...omitted }, ...failed };
    await sendXraySegments(daemon)([...calls, step]).catch((error: unknown) =>
      log.warn("the trace could not be sent", { fault: redactError(error) }),
    );
  };
  try {
    const result = await currentTrace.run(trace, work);
    await send({});
    return result;
  } catch (error) {
    const { name: type, message } = redactError(error);
    await send({ fault: true, cause: { exceptions: [{ id: newId(), type, message }] } });
    throw error;
  }
};
