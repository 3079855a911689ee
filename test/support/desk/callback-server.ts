import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type Callback = { readonly payload: Record<string, unknown>; readonly verified: boolean };

/**
 * The app's side of a callback: records callbacks, checks signatures with its own implementation of Slack's rule, and
 * responds with the result of `respond` (undefined: never).
 */
export const startCallbackServer = async (
  secret: string,
  respond: (callback: Callback) => Promise<{ status?: number; body?: string } | undefined>,
) => {
  const received: Callback[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", async () => {
      const raw = Buffer.concat(chunks);
      const stamp = String(request.headers["x-slack-request-timestamp"]);
      const hmac = createHmac("sha256", secret);
      hmac.update("v0:");
      hmac.update(stamp);
      hmac.update(":");
      hmac.update(raw);
      const verified =
        request.headers["x-slack-signature"] === `v0=${hmac.digest("hex")}` &&
        request.headers["content-type"] === "application/x-www-form-urlencoded";
      const callback = {
        payload: JSON.parse(new URLSearchParams(raw.toString()).get("payload") ?? ""),
        verified,
      };
      received.push(callback);
      const result = await respond(callback);
      if (result !== undefined) response.writeHead(result.status ?? 200).end(result.body ?? "");
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    received,
    url: `http://127.0.0.1:${port}/slack`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
};
