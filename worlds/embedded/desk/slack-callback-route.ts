import { Hono } from "hono";
import {
  type CallbackResponse,
  maxCallbackBytes,
  type SlackCallback,
} from "#lambdas/answer-approval/answer-approval.ts";
import { RequestRefused, verifySlackHeaders } from "#lambdas/answer-approval/verify-slack-request.ts";
import { readRequestBody } from "#worlds/embedded/gateway/request-body.ts";

export const callbackPath = "/slack/interactions";

/**
 * Slack's request URL: hands the raw bytes to answer-approval, as its Lambda handler does. Headers that Slack does not
 * send are refused before a byte of the body is read.
 * @param clock epoch milliseconds
 */
export const createSlackCallbackRoute = (
  answer: (callback: SlackCallback) => Promise<CallbackResponse>,
  clock: () => number,
): Hono =>
  new Hono().post(callbackPath, async (context) => {
    const headers = context.req.header();
    try {
      verifySlackHeaders({ headers, now: clock() / 1_000 });
    } catch (fault) {
      if (fault instanceof RequestRefused) return context.text(fault.message, 401);
      throw fault;
    }
    const rawBody = await readRequestBody(context, maxCallbackBytes);
    if (!rawBody) return context.text("the request is too large", 413);
    const { status, body } = await answer({ rawBody, headers });
    const json = body.startsWith("{");
    return new Response(body, {
      status,
      headers: { "content-type": json ? "application/json" : "text/plain" },
    });
  });
