import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { z } from "zod";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import { TaskGone } from "#platform/deliveries/deliveries.ts";
import { createExecutionTable } from "#platform/deliveries/execution-table.ts";
import type { Database } from "#platform/store/open-database.ts";
import type { Json } from "#platform/store/store.ts";
import { readRequestBody } from "./gateway/request-body.ts";

const ControlCall = z.discriminatedUnion("call", [
  z.object({ call: z.literal("start"), name: z.string(), input: z.json() }),
  z.object({ call: z.literal("succeed"), token: z.string(), output: z.json() }),
  z.object({
    call: z.literal("fail"),
    token: z.string(),
    error: z.object({ name: z.string(), cause: z.string() }),
  }),
  z.object({ call: z.literal("stop"), name: z.string(), cause: z.string() }),
]);
type ControlCall = z.infer<typeof ControlCall>;

/** Bytes: a state's output has at most 256 KB on AWS, and here it may be quoted. */
const maxCallBytes = 1_024 * 1_024;

const parseJson = (body: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
};

const sha256 = (text: string) => createHash("sha256").update(text).digest();

/** What only the process with the engine can do, for other processes of the same user: guarded by the folder's token. */
export const createControlRoute = ({ deliveries, token }: { deliveries: Deliveries; token: string }): Hono =>
  new Hono().post("/control/deliveries", async (context) => {
    const given = sha256(context.req.header("authorization") ?? "");
    if (!timingSafeEqual(given, sha256(`Bearer ${token}`)))
      return context.json({ error: "not allowed" }, 403);
    const body = await readRequestBody(context, maxCallBytes);
    if (!body) return context.json({ error: "a call has at most 1 MB" }, 413);
    const read = ControlCall.safeParse(parseJson(body));
    if (!read.success) return context.json({ error: "no call that is known here" }, 400);
    const call = read.data;
    try {
      switch (call.call) {
        case "start":
          return context.json(await deliveries.start(call.name, call.input as Json));
        case "succeed":
          await deliveries.succeed(call.token, call.output as Json);
          return context.json({});
        case "fail":
          await deliveries.fail(call.token, call.error);
          return context.json({});
        case "stop":
          await deliveries.stop(call.name, call.cause);
          return context.json({});
        default:
          return call satisfies never;
      }
    } catch (fault) {
      if (fault instanceof TaskGone) return context.json({ error: fault.message }, 410);
      throw fault;
    }
  });

/** No rehearsal runs on the folder, so there is no engine to ask. */
export class NotRunning extends Error {
  override readonly name = "NotRunning";
}

/**
 * The deliveries of a data folder as another process sees them: reading from the database, all else by the process
 * with the engine. Throws NotRunning where there is none.
 */
export const remoteDeliveries = ({
  database,
  url,
  token,
}: {
  database: Database;
  url: string | undefined;
  token: string;
}): Deliveries => {
  const table = createExecutionTable(database);
  const send = async (call: ControlCall): Promise<unknown> => {
    if (url === undefined)
      throw new NotRunning("no rehearsal runs on this folder: start one with `npm start`");
    const response = await fetch(`${url}/control/deliveries`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(call),
      signal: AbortSignal.timeout(60_000),
    }).catch((fault: unknown) => {
      throw new NotRunning(`the rehearsal at ${url} does not answer: is it still running?`, { cause: fault });
    });
    if (response.status === 410) throw new TaskGone("nobody waits for this answer any more");
    if (!response.ok) throw new Error(`the rehearsal answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    start: async (name, input) =>
      z.object({ started: z.boolean() }).parse(await send({ call: "start", name, input })),
    describe: async (name) => table.read(name),
    history: async (name) => table.events(name),
    list: async (options) => table.list(options),
    succeed: async (token, output) => void (await send({ call: "succeed", token, output })),
    fail: async (token, error) => void (await send({ call: "fail", token, error })),
    stop: async (name, cause) => void (await send({ call: "stop", name, cause })),
  };
};
