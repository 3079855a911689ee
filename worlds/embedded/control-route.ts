import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { z } from "zod";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import { TaskGone } from "#platform/deliveries/deliveries.ts";
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
]);
export type ControlCall = z.infer<typeof ControlCall>;

/** Bytes. On AWS a state's output has at most 256 KB; JSON escapes may enlarge it. */
const maxCallBytes = 1_024 * 1_024;

const parseJson = (body: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
};

const sha256 = (text: string) => createHash("sha256").update(text).digest();

/** Lets other processes of the same user call the engine; they must send the data folder's token. */
export const createControlRoute = ({ deliveries, token }: { deliveries: Deliveries; token: string }): Hono =>
  new Hono().post("/control/deliveries", async (context) => {
    const authorization = sha256(context.req.header("authorization") ?? "");
    if (!timingSafeEqual(authorization, sha256(`Bearer ${token}`)))
      return context.json({ error: "wrong token" }, 403);
    const body = await readRequestBody(context, maxCallBytes);
    if (!body) return context.json({ error: "the call is too large (limit 1 MB)" }, 413);
    const parsed = ControlCall.safeParse(parseJson(body));
    if (!parsed.success) return context.json({ error: "unknown call" }, 400);
    const call = parsed.data;
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
        default:
          return call satisfies never;
      }
    } catch (error) {
      if (error instanceof TaskGone) return context.json({ error: error.message }, 410);
      throw error;
    }
  });
