import { expect, test } from "vitest";
import { createHttpHandler, type HandlerResponse, type RawHttpRequest } from "./http-handler.ts";

const toHandler = (response: HandlerResponse) => {
  const seen: RawHttpRequest[] = [];
  const handler = createHttpHandler(async (callback) => {
    seen.push(callback);
    return response;
  });
  return { seen, handler };
};
const headers = { "x-slack-signature": "v0=00" };
const ok: HandlerResponse = { status: 200, body: "" };

test("the step gets exactly the bytes that Slack signed, also from base64", async () => {
  const bytes = Buffer.from([0x70, 0x3d, 0xff, 0xfe, 0x00, 0xc3]);
  const { seen, handler } = toHandler(ok);
  await handler({ headers, body: bytes.toString("base64"), isBase64Encoded: true });
  await handler({ headers, body: "payload=%7Bä", isBase64Encoded: false });
  await handler({ headers });
  expect(seen.map(({ rawBody }) => Buffer.from(rawBody))).toEqual([
    bytes,
    Buffer.from("payload=%7Bä", "utf8"),
    Buffer.alloc(0),
  ]);
  expect(seen[0]?.headers).toEqual(headers);
});

test("a dialog's errors are sent as JSON, and a refusal as plain text", async () => {
  const errors = { status: 200, body: `{"response_action":"errors"}` };
  expect(await toHandler(errors).handler({ headers })).toEqual({
    statusCode: 200,
    headers: { "content-type": "application/json" },
    body: errors.body,
  });
  expect(await toHandler({ status: 401, body: "the signature does not match" }).handler({ headers })).toEqual(
    {
      statusCode: 401,
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: "the signature does not match",
    },
  );
});
