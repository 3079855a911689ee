import type { ChildProcess } from "node:child_process";

type Handle = { close(): void };

/** A message of node:cluster about a connection: the primary's has a number, and the worker's names it in `ack`. */
const readNumber = (message: unknown, name: "seq" | "ack"): number | undefined => {
  if (typeof message !== "object" || message === null) return undefined;
  const number: unknown = Reflect.get(message, name);
  return typeof number === "number" ? number : undefined;
};

const isHandle = (value: unknown): value is Handle =>
  typeof value === "object" && value !== null && "close" in value && typeof value.close === "function";

/**
 * Closes connections that a worker was sent and had not accepted when it ended. node:cluster keeps its copy of such a
 * connection open and never uses it again, so its client would wait until its own time limit.
 * Source: lib/internal/cluster/round_robin_handle.js and utils.js of Node 24.
 */
export const trackHandoffs = (child: ChildProcess): void => {
  const handles = new Map<number, Handle>();
  const { send } = child;
  Object.assign(child, {
    send: (...args: readonly unknown[]): unknown => {
      const [message, handle] = args;
      const number = readNumber(message, "seq");
      if (number !== undefined && isHandle(handle)) handles.set(number, handle);
      return Reflect.apply(send, child, args);
    },
  });
  child.on("internalMessage", (message: unknown) => {
    const number = readNumber(message, "ack");
    if (number !== undefined) handles.delete(number);
  });
  child.once("exit", () => {
    for (const handle of handles.values()) handle.close();
    handles.clear();
  });
};
