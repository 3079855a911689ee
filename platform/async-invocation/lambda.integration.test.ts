import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { buffer } from "node:stream/consumers";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Json } from "#platform/store/store.ts";
import { asyncInvocationContract } from "#test/contracts/async-invocation.ts";
import { createLambdaAsyncInvocation } from "./lambda.ts";

const functionName = "slipway-answer-approval";

/**
 * A server with the wire of Lambda's Invoke: an asynchronous invocation is accepted with 202 before the function runs.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
const openServer = async () => {
  const requests: { readonly url: string; readonly type: string | undefined; readonly event: Json }[] = [];
  let next = Promise.withResolvers<Json>();
  let refusal: { readonly status: number; readonly type: string } | undefined;
  const server: Server = createServer(async (request, response) => {
    const event = JSON.parse((await buffer(request)).toString("utf8"));
    if (refusal) {
      response.writeHead(refusal.status, { "x-amzn-errortype": refusal.type }).end('{"message":"refused"}');
      return;
    }
    const type = request.headers["x-amz-invocation-type"];
    requests.push({ url: request.url ?? "", type: String(type), event });
    response.writeHead(type === "Event" ? 202 : 500).end();
    next.resolve(event);
    next = Promise.withResolvers();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const client = new LambdaClient({
    endpoint: `http://127.0.0.1:${address.port}`,
    region: "eu-central-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  return {
    invocation: createLambdaAsyncInvocation({ client, functionName }),
    received: () => next.promise,
    // Lambda's response does not depend on the function.
    fail: () => undefined,
    requests,
    refuse: (status: number, type: string) => {
      refusal = { status, type };
    },
    close: async () => {
      client.destroy();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
};

asyncInvocationContract("Lambda", openServer);

let subject: Awaited<ReturnType<typeof openServer>>;
beforeEach(async () => {
  subject = await openServer();
});
afterEach(() => subject.close());

test("the invocation is asynchronous, of the named function", async () => {
  await subject.invocation.start({ a: 1 });
  expect(subject.requests).toMatchObject([
    { url: `/2015-03-31/functions/${functionName}/invocations`, type: "Event", event: { a: 1 } },
  ]);
});

test("a role that may not invoke the function is PermissionMissing", async () => {
  subject.refuse(403, "AccessDeniedException");
  await expect(subject.invocation.start({})).rejects.toMatchObject({ name: "PermissionMissing" });
});

test("throttling is TemporaryFault", async () => {
  subject.refuse(429, "TooManyRequestsException");
  await expect(subject.invocation.start({})).rejects.toMatchObject({ name: "TemporaryFault" });
});
