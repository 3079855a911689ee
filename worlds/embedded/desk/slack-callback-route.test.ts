import { expect, test } from "vitest";
import { callbackPath, createSlackCallbackRoute } from "./slack-callback-route.ts";

test("a callback's body arrives byte for byte, with its headers", async () => {
  const bytes = new Uint8Array([0x70, 0x3d, 0xff, 0x00, 0x2b]);
  const received: { rawBody?: Uint8Array; signature?: string | undefined } = {};
  const app = createSlackCallbackRoute(
    async ({ rawBody, headers }) => {
      Object.assign(received, { rawBody, signature: headers["x-slack-signature"] });
      return { status: 401, body: "no" };
    },
    () => 1_000_000,
  );
  const signature = `v0=${"0".repeat(64)}`;
  const headers = { "X-Slack-Signature": signature, "x-slack-request-timestamp": "1000" };
  const response = await app.request(callbackPath, { method: "POST", body: bytes, headers });
  expect([response.status, await response.text()]).toEqual([401, "no"]);
  expect(received).toEqual({ rawBody: bytes, signature });
});
