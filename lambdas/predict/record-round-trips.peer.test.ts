import { once } from "node:events";
import { createServer, request as startRequest } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { stop as stopBundler } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildFunctionImage } from "#bench/serve/build-function-image.ts";
import { createPredictionReader } from "#inference/records/prediction-reader.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { createTable } from "#test/peers/create-table.ts";
import { createLambdaHost, type LambdaHost } from "#test/peers/lambda-host.ts";
import { type Moto, motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requireRuntimeClient } from "#test/peers/runtime-client.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

const { skip } = requireRuntimeClient("tests of a prediction's record under AWS's runtime client");

const table = "records";
const delayMs = 5;

/**
 * A network of 5 ms in front of DynamoDB. `hold(operations)`: no response leaves until each of these calls has arrived, so
 * that a caller who waits for one response before the next call never gets any.
 */
const startNetwork = async (target: string) => {
  const calls: string[] = [];
  let held: { readonly missing: Set<string>; readonly all: PromiseWithResolvers<void> } | undefined;
  const server = createServer(async (from, to) => {
    const body = await buffer(from);
    const operation = String(from.headers["x-amz-target"]).replace(/^.*\./, "");
    calls.push(operation);
    held?.missing.delete(operation);
    if (held?.missing.size === 0) held.all.resolve();
    await held?.all.promise;
    await pause(delayMs);
    const headers = { ...from.headers, connection: "close" };
    const forwarded = startRequest(new URL(from.url ?? "/", target), { method: from.method, headers });
    forwarded.end(body);
    forwarded.once("error", () => to.destroy());
    forwarded.once("response", async (response) => {
      const bytes = await buffer(response);
      to.writeHead(response.statusCode ?? 502, response.rawHeaders).end(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    calls,
    hold: (operations: readonly string[]) => {
      held = { missing: new Set(operations), all: Promise.withResolvers() };
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

describe.skipIf(skip)("a prediction under AWS's runtime client, with 5 ms to DynamoDB", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let moto: Moto;
  let network: Awaited<ReturnType<typeof startNetwork>>;
  let host: LambdaHost;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    const { task } = await buildFunctionImage("churn", "models/churn", folder.path);
    await stopBundler();
    moto = await startMoto();
    await createTable(new DynamoDBClient(motoClientConfig(moto.endpoint)), table);
    network = await startNetwork(moto.endpoint);
    host = createLambdaHost({
      name: "slipway-churn-prod",
      code: task,
      env: {
        SLIPWAY_MODEL: "churn",
        SLIPWAY_MODEL_VERSION: "1",
        SLIPWAY_DIGEST: `sha256:${"0".repeat(64)}`,
        SLIPWAY_ENVIRONMENT: "prod",
        RECORDS_TABLE: table,
        RECORDS_BUCKET: "records",
        AWS_ENDPOINT_URL: network.url,
        AWS_REGION: "eu-central-1",
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
      },
    });
  });
  afterAll(async () => {
    await host?.stop();
    network?.stop();
    await moto?.stop();
    await folder?.remove();
  });

  const rows = readChurnGolden().rows.slice(0, 3);

  test("waits for one round trip: both calls of its record are on their way before either returns", async () => {
    // The first response loads the client and opens its connections.
    await host.invoke({ rows });
    for (let round = 0; round < 5; round += 1) {
      network.calls.length = 0;
      network.hold(["BatchWriteItem", "UpdateItem"]);
      const { payload, functionError } = await host.invoke({ rows });
      expect(functionError).toBeUndefined();
      expect(payload).not.toHaveProperty("storageWarning");
      expect(network.calls.toSorted()).toEqual(["BatchWriteItem", "UpdateItem"]);
    }
  });

  test("is stored as one item under its id and one in the index, and read by the table's other reader", async () => {
    const { payload } = await host.invoke({ rows });
    const { id } = payload as { id: string };
    const store = createDynamoDbStore({
      client: new DynamoDBClient(motoClientConfig(moto.endpoint)),
      table,
      clock: Date.now,
    });
    const page = (partition: string) => store.page({ partition, order: "descending", limit: 1 });
    const [stored] = (await page(`prediction#prod#churn#${id}`)).items;
    expect(stored?.value).toMatchObject({
      version: 1,
      rows: [{ inputs: rows[0] }, { inputs: rows[1] }, { inputs: rows[2] }],
    });
    const [entry] = (await page("predictions#prod#churn")).items;
    expect(entry?.value).toEqual({ rows: 3, labels: expect.any(Object) });
    const blobs = { get: async () => undefined };
    const reader = createPredictionReader({
      store,
      blobs,
      environment: "prod",
      model: "churn",
      clock: Date.now,
    });
    expect(await reader.prediction(`${id}.2`)).toMatchObject({ id: `${id}.2`, inputs: rows[2] });
  });
});
