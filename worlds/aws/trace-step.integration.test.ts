import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { runBundle } from "#test/support/run-bundle.ts";
import { findSentinelSecrets, sentinelSecrets } from "#test/support/sentinel-secrets.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

const id = z.string().regex(/^[0-9a-f]{16}$/);
const name = z.string().regex(/^[\p{L}\p{N}\s_.:/%&#=+\\\-@]{1,200}$/u);
const Cause = z.strictObject({
  exceptions: z.array(z.strictObject({ id, type: z.string(), message: z.string() })),
});

/**
 * A separately sent subsegment, in X-Ray's format.
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html#api-segmentdocuments-subsegments
 */
const Subsegment = z.strictObject({
  type: z.literal("subsegment"),
  trace_id: z.string().regex(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/),
  parent_id: id,
  id,
  name,
  start_time: z.number(),
  end_time: z.number(),
  namespace: z.enum(["aws", "remote"]).optional(),
  annotations: z
    .record(z.string().regex(/^[A-Za-z0-9_]+$/), z.union([z.string(), z.number(), z.boolean()]))
    .optional(),
  aws: z.strictObject({ operation: z.string() }).optional(),
  http: z
    .strictObject({
      request: z.strictObject({ method: z.string(), url: z.string() }),
      response: z.strictObject({ status: z.int() }).optional(),
    })
    .optional(),
  error: z.literal(true).optional(),
  throttle: z.literal(true).optional(),
  fault: z.literal(true).optional(),
  cause: Cause.optional(),
});

const root = "1-5759e988-bd862e3fe1be46a994272793";
/** The segment that Lambda made. */
const lambdas = "53995c3f42cd8ad8";
const sampled = `Root=${root};Parent=${lambdas};Sampled=1;Lineage=a87bd80c:1`;

/** Receives what a function sends to X-Ray's daemon. */
const daemon = async () => {
  const socket = createSocket("udp4");
  const datagrams: string[] = [];
  /** The step's own subsegment arrives last. */
  const complete = Promise.withResolvers<void>();
  socket.on("message", (datagram) => {
    const text = datagram.toString("utf8");
    datagrams.push(text);
    if (text.includes(`"parent_id":"${lambdas}"`)) complete.resolve();
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { address: `127.0.0.1:${socket.address().port}`, complete: complete.promise, datagrams, socket };
};

describe("a traced step", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let files = 0;
  const service = createServer((request, response) => {
    if (request.url === "/cut") return void request.socket.destroy();
    const status = Number(request.url?.match(/\d+/)?.[0] ?? 200);
    request.resume().on("end", () => response.writeHead(status).end("{}"));
  });
  let address = "";
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    service.listen(0, "127.0.0.1");
    await once(service, "listening");
    const bound = service.address();
    address = `http://127.0.0.1:${typeof bound === "object" ? bound?.port : ""}`;
  });
  afterAll(async () => {
    service.closeAllConnections();
    service.close();
    await folder.remove();
  });

  const run = async (work: string, header = sampled) => {
    const xray = await daemon();
    const file = join(folder.path, `${files++}.mjs`);
    await writeFile(
      file,
      `import { createFunctionHandler } from ${JSON.stringify(join(import.meta.dirname, "step-handler.ts"))};
       import { DynamoDBClient, GetItemCommand } from ${JSON.stringify(import.meta.resolve("@aws-sdk/client-dynamodb"))};
       const address = ${JSON.stringify(address)};
       export const handler = createFunctionHandler("claim-environment", ${work});`,
    );
    const variables = {
      ...handlerEnvironment,
      AWS_ENDPOINT_URL: address,
      AWS_MAX_ATTEMPTS: "1",
      AWS_XRAY_DAEMON_ADDRESS: xray.address,
      _X_AMZN_TRACE_ID: header,
    };
    const event = { delivery: "churn-1", model: "churn", environment: "stage" };
    const ended = await runBundle(file, variables, [event]);
    if (header === sampled) await xray.complete;
    xray.socket.close();
    expect(findSentinelSecrets(xray.datagrams.join("\n"))).toEqual([]);
    const documents = xray.datagrams.map((datagram) => {
      const [first, document] = datagram.split("\n");
      expect(JSON.parse(first ?? "")).toEqual({ format: "json", version: 1 });
      return Subsegment.parse(JSON.parse(document ?? ""));
    });
    return { ...ended, documents };
  };

  test("is a part of Lambda's own trace, with its delivery as an annotation", async () => {
    const { documents, lines } = await run("async () => ({})");
    expect(documents).toHaveLength(1);
    expect(documents[0]).toMatchObject({
      name: "claim-environment",
      trace_id: root,
      parent_id: "53995c3f42cd8ad8",
      annotations: { delivery: "churn-1", model: "churn", environment: "stage" },
    });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ xray_trace_id: root });
  });

  test("reports each call's address and status, and not its content", async () => {
    const { documents, error } = await run(`async () => {
      const headers = { authorization: ${JSON.stringify(`Bearer ${sentinelSecrets.gitHubToken}`)} };
      const body = ${JSON.stringify(sentinelSecrets.inputRow)};
      await fetch(address + "/404/models?signature=" + ${JSON.stringify(encodeURIComponent(sentinelSecrets.taskToken))}, { method: "POST", headers, body });
      await new DynamoDBClient({}).send(new GetItemCommand({ TableName: "t", Key: { pk: { S: body } } }));
      return {};
    }`);
    expect(error).toBe("");
    const own = documents.at(-1);
    expect(documents).toHaveLength(3);
    expect(documents[0]).toMatchObject({
      name: "127.0.0.1",
      namespace: "remote",
      parent_id: own?.id,
      http: { request: { method: "POST", url: `${address}/404/models` }, response: { status: 404 } },
      error: true,
    });
    expect(documents[1]).toMatchObject({
      name: "dynamodb",
      namespace: "aws",
      parent_id: own?.id,
      aws: { operation: "GetItem" },
      http: { response: { status: 200 } },
    });
    expect(documents[1]?.end_time).toBeGreaterThanOrEqual(documents[1]?.start_time ?? Infinity);
  });

  test("a call without a response is a fault, and so is the step that it ended", async () => {
    const { documents, error } = await run(
      `async () => { await fetch(address + "/cut").catch(() => {}); throw new RangeError("no answer"); }`,
    );
    expect(error).toBe("RangeError: no answer");
    expect(documents[0]).toMatchObject({ fault: true, cause: { exceptions: [{ type: "SocketError" }] } });
    expect(documents[1]).toMatchObject({
      fault: true,
      cause: { exceptions: [{ type: "RangeError", message: "no answer" }] },
    });
  });

  test("a thousand calls are reported as the first hundred and a number", async () => {
    const { documents } = await run(
      `async () => { for (let call = 0; call < 105; call++) await (await fetch(address)).text(); return {}; }`,
    );
    expect(documents).toHaveLength(101);
    expect(documents.at(-1)?.annotations).toMatchObject({ untracedCalls: 5 });
  });

  test("outside a sampled trace nothing is sent", async () => {
    const { documents, answers } = await run("async () => ({})", sampled.replace("Sampled=1", "Sampled=0"));
    expect(answers).toEqual([{}]);
    expect(documents).toEqual([]);
  });
});
