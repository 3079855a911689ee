import { Hono } from "hono";
import {
  type CallbackResponse,
  maxCallbackBytes,
  type SlackCallback,
} from "#lambdas/answer-approval/answer-approval.ts";
import { RequestRefused, verifySlackHeaders } from "#slack/verify-slack-request.ts";
import { readRequestBody } from "#worlds/embedded/gateway/request-body.ts";

export const callbackPath = "/slack/interactions";

/**
 * Slack's request URL: passes the raw bytes to answer-approval, as its Lambda handler does. It refuses headers that are not
 * Slack's before it reads the body.
 * @param clock epoch milliseconds
 */
export const createSlackCallbackRoute = (
  answerApproval: (callback: SlackCallback) => Promise<CallbackResponse>,
  clock: () => number,
): Hono =>
  new Hono().post(callbackPath, async (context) => {
    const headers = context.req.header();
    try {
      verifySlackHeaders({ headers, now: clock() / 1_000 });
    } catch (error) {
      if (error instanceof RequestRefused) return context.text(error.message, 401);
      throw error;
    }
    const rawBody = await readRequestBody(context, maxCallbackBytes);
    if (!rawBody) return context.text("the request is too large", 413);
    const { status, body } = await answerApproval({ rawBody, headers });
    const isJson = body.startsWith("{");
    return new Response(body, {
      status,
      headers: { "content-type": isJson ? "application/json" : "text/plain" },
    });
  });
