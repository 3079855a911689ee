import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { faultInWords } from "./fault-in-words.ts";
import { log } from "./log.ts";
import { type Call, outgoingCalls } from "./outgoing-calls.ts";
import { xrayDaemon } from "./xray-daemon.ts";

/** A step that asks a model a thousand times has the same call a thousand times. */
const mostCalls = 100;

type Trace = { readonly calls: Call[]; untold: number };
const underway = new AsyncLocalStorage<Trace>();
/** 64 bits in hex, unique within its trace. */
const newId = () => randomBytes(8).toString("hex");
const seconds = (at: number) => at / 1_000;

outgoingCalls({
  clock: Date.now,
  context: () => underway.getStore(),
  onEnd: (trace, call) => {
    if (trace.calls.length < mostCalls) trace.calls.push(call);
    else trace.untold++;
  },
});

/**
 * The trace that this invocation belongs to; undefined where it is not sampled.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
const sampled = (header: string | undefined) => {
  const fields = new Map(
    (header ?? "").split(";").map((field) => [field.split("=")[0], field.split("=")[1]]),
  );
  const [trace_id, parent] = [fields.get("Root"), fields.get("Parent")];
  return trace_id && parent && fields.get("Sampled") === "1" ? { trace_id, parent } : undefined;
};

/** 4xx is the caller's error, 5xx and no answer the other side's fault. */
const failure = ({ status, fault }: Call) => ({
  ...(status !== undefined && status >= 400 && status < 500 ? { error: true } : {}),
  ...(status === 429 ? { throttle: true } : {}),
  ...((status !== undefined && status >= 500) || fault ? { fault: true } : {}),
  ...(fault ? { cause: { exceptions: [{ id: newId(), type: fault.name, message: fault.message }] } } : {}),
});

const callDocument = (call: Call) => ({
  name: call.service.slice(0, 200),
  start_time: seconds(call.from),
  end_time: seconds(call.to),
  namespace: call.aws ? "aws" : "remote",
  ...(call.operation ? { aws: { operation: call.operation } } : {}),
  http: {
    request: { method: call.method, url: call.url },
    ...(call.status === undefined ? {} : { response: { status: call.status } }),
  },
  ...failure(call),
});

/**
 * Does the work as a subsegment of X-Ray's trace, with a subsegment for each call that it makes: where to, how it was
 * answered and when, never what was said. Without a sampled trace it only does the work, and a trace that cannot be
 * sent fails nothing. https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
 */
export const traced = async <T>(
  name: string,
  annotations: Readonly<Record<string, unknown>>,
  work: () => Promise<T>,
): Promise<T> => {
  const { _X_AMZN_TRACE_ID: header, AWS_XRAY_DAEMON_ADDRESS: daemon } = process.env;
  const within = sampled(header);
  if (!within || !daemon) return work();
  const trace: Trace = { calls: [], untold: 0 };
  const { trace_id, parent } = within;
  const id = newId();
  const from = Date.now();
  const send = async (failed: object) => {
    const common = { trace_id, type: "subsegment" };
    const times = { start_time: seconds(from), end_time: seconds(Date.now()) };
    const own = { ...common, id, parent_id: parent, name, ...times };
    const untold = trace.untold > 0 ? { untracedCalls: trace.untold } : {};
    const calls = trace.calls.map((call) => ({
      ...common,
      id: newId(),
      parent_id: id,
      ...callDocument(call),
    }));
    const step = { ...own, annotations: { ...annotations, ...untold }, ...failed };
    await xrayDaemon(daemon)([...calls, step]).catch((fault: unknown) =>
      log.warn("the trace could not be sent", { fault: faultInWords(fault) }),
    );
  };
  try {
    const result = await underway.run(trace, work);
    await send({});
    return result;
  } catch (fault) {
    const { name: type, message } = faultInWords(fault);
    await send({ fault: true, cause: { exceptions: [{ id: newId(), type, message }] } });
    throw fault;
  }
};
