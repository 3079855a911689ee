import { createHash, createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSignedFetch } from "./signed-fetch.ts";

type ReceivedRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
};
const receivedRequests: ReceivedRequest[] = [];
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  receivedRequests.push({
    method: request.method ?? "",
    url: request.url ?? "",
    headers,
    body: Buffer.concat(chunks).toString("utf8"),
  });
  response.end("{}");
});
let address = "";
beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((closed) => server.close(closed)));

const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const sendSigned = createSignedFetch({
  fetch,
  region: "us-east-1",
  credentials: async () => ({
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: secret,
    sessionToken: "a session's token",
  }),
  clock: () => Date.UTC(2026, 10, 21, 12),
});

const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** API Gateway's computation: the string to sign by the reference, with the key derived from the secret. */
const computeSignature = (signed: ReceivedRequest, query: string, bodyHash: string): string => {
  const names = /SignedHeaders=([^,]+)/.exec(signed.headers.authorization ?? "")?.[1] ?? "";
  const canonical = [
    signed.method,
    signed.url.split("?")[0],
    query,
    ...names.split(";").map((name) => `${name}:${signed.headers[name]}`),
    "",
    names,
    bodyHash,
  ].join("\n");
  const scope = "20261121/us-east-1/execute-api/aws4_request";
  const text = ["AWS4-HMAC-SHA256", "20261121T120000Z", scope, sha256(canonical)].join("\n");
  const key = ["20261121", "us-east-1", "execute-api", "aws4_request"].reduce<string | Buffer>(
    hmac,
    `AWS4${secret}`,
  );
  return hmac(key, text).toString("hex");
};
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

const getLastRequest = (): ReceivedRequest => {
  const request = receivedRequests.at(-1);
  if (request === undefined) throw new Error("no request received");
  return request;
};

test("a request's signature covers method, path, query, host, time, token and body", async () => {
  const body = JSON.stringify({ name: "churn", note: "Größe" });
  const response = await sendSigned(`${address}/api/2.0/mlflow/runs/create?b=2&a=x%20y&a=1`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  expect(response.status).toBe(200);
  const signed = getLastRequest();
  expect(signed.body).toBe(body);
  expect(signed.headers["x-amz-security-token"]).toBe("a session's token");
  expect(signed.headers.authorization).toContain(
    "Credential=AKIDEXAMPLE/20261121/us-east-1/execute-api/aws4_request",
  );
  expect(signed.headers.authorization).toContain(
    `Signature=${computeSignature(signed, "a=1&a=x%20y&b=2", sha256(body))}`,
  );
});

test("a request without a body is signed with an empty one", async () => {
  await sendSigned(`${address}/api/2.0/mlflow/experiments/get-by-name?experiment_name=s`);
  const signed = getLastRequest();
  expect(signed.method).toBe("GET");
  expect(signed.headers.authorization).toContain(
    `Signature=${computeSignature(signed, "experiment_name=s", sha256(""))}`,
  );
});

test("the host is signed, so that no other server can replay a request", async () => {
  await sendSigned(`${address}/`);
  expect(getLastRequest().headers.authorization).toMatch(/SignedHeaders=[^,]*\bhost\b/);
});

test("a stream is refused without its hash, because it cannot be read before it is sent", async () => {
  const body = new Blob(["x"]).stream();
  await expect(sendSigned(address, { method: "POST", body, duplex: "half" })).rejects.toThrow(
    /Only texts, bytes, and streams with their hash can be signed/,
  );
});

test("a stream is signed with the hash that its caller gives, and sent with its length", async () => {
  await sendSigned(`${address}/api/2.0/mlflow-artifacts/artifacts/model.onnx`, {
    method: "PUT",
    body: new Blob(["weights"]).stream(),
    duplex: "half",
    headers: { "content-length": "7", "x-amz-content-sha256": sha256("weights") },
  });
  const signed = getLastRequest();
  expect([signed.body, signed.headers["content-length"], signed.headers["transfer-encoding"]]).toEqual([
    "weights",
    "7",
    undefined,
  ]);
  expect(signed.headers.authorization).toContain(
    `Signature=${computeSignature(signed, "", sha256("weights"))}`,
  );
});

test("the caller's abort signal ends the request", async () => {
  await expect(sendSigned(address, { signal: AbortSignal.abort() })).rejects.toThrow();
});
