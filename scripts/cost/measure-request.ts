import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type AttributeValue, BatchWriteItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import { admitKey } from "#api-keys/admit-key.ts";
import { createApiKeyStore } from "#api-keys/api-key-store.ts";
import { createRateLimiter } from "#api-keys/rate-limiter.ts";
import { createRecorder } from "#inference/records/recorder.ts";
import { sampleScores } from "#inference/records/sample-scores.ts";
import { Golden, type Prediction, type Row } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { formatEmf } from "#platform/metrics/format-emf.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { countLogBytes } from "./lambda-log-lines.ts";

export type RequestMeasures = {
  readonly rows: number;
  readonly memoryMb: number;
  /** Bytes of the line of metrics. */
  readonly metricsLineBytes: number;
  /** Metrics that one version of the model has in CloudWatch, with all its labels and the environment's. */
  readonly customMetrics: number;
  /** Writes of 1 KB and bytes that the request's record takes. */
  readonly recordWrites: number;
  readonly recordBytes: number;
  readonly ttlDays: number;
  readonly authorizerReads: number;
  readonly authorizerWrites: number;
};

const Emf = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string() })),
      }),
    ),
  }),
});
const kilobyte = 1_024;
const at = Date.UTC(2026, 10, 29, 10, 0, 30);

/** DynamoDB counts an item's names and values. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
const countItemBytes = (item: Readonly<Record<string, AttributeValue>>): number =>
  Object.entries(item).reduce(
    (total, [name, { S = "", N = "" }]) => total + Buffer.byteLength(name) + Buffer.byteLength(S + N),
    0,
  );

/** Records a request with the real recorder and store; DynamoDB's client only counts. */
const measureRecord = async (
  manifest: Parameters<typeof createRecorder>[0]["manifest"],
  rows: readonly Row[],
  predictions: readonly Prediction[],
) => {
  const counted = { writes: 0, bytes: 0 };
  const client = new DynamoDBClient({ region: "us-east-1" });
  const send = async (command: object): Promise<object> => {
    // The only other call adds to the hour's counters, an item below 1 KB.
    if (!(command instanceof BatchWriteItemCommand)) counted.writes += 1;
    else
      for (const { PutRequest } of Object.values(command.input.RequestItems ?? {}).flat()) {
        const bytes = countItemBytes(PutRequest?.Item ?? {});
        counted.writes += Math.ceil(bytes / kilobyte);
        counted.bytes += bytes;
      }
    return { Attributes: {} };
  };
  Object.assign(client, { send });
  const recorder = createRecorder({
    store: createDynamoDbStore({ client, table: "records", clock: () => at }),
    blobs: { put: () => Promise.reject(new Error("the sample needs no blob")) },
    manifest,
    log: (line) => {
      throw new Error(line);
    },
  });
  const result = await recorder.record({
    id: "01JDV5W4Z3N8Q2M7K6X9C1B0AT",
    at,
    model: "churn",
    modelVersion: 12,
    digest: `sha256:${"a".repeat(64)}`,
    environment: "prod",
    latencyMs: 7.34,
    rows,
    predictions,
  });
  if (result !== "written") throw new Error("the record of the sample was not written");
  return counted;
};

/** Admits a valid key that was used before today, and counts the calls of its store. */
const measureAuthorizer = async () => {
  const counted = { reads: 0, writes: 0 };
  const clock = () => at;
  const store = createSqliteStore({ database: openDatabase(":memory:"), clock });
  const counting = {
    ...store,
    get: (...call: Parameters<typeof store.get>) => {
      counted.reads += 1;
      return store.get(...call);
    },
    put: (...call: Parameters<typeof store.put>) => {
      counted.writes += 1;
      return store.put(...call);
    },
    add: (...call: Parameters<typeof store.add>) => {
      counted.writes += 1;
      return store.add(...call);
    },
  };
  const keys = createApiKeyStore({ store: counting, random: (bytes) => Buffer.alloc(bytes, 7), clock });
  const { key } = await keys.create({
    environment: "prod",
    name: "the application",
    models: ["churn"],
    rate: { perMinute: 30_000, burst: 30_000 },
    expiresAt: null,
    by: "an operator",
  });
  const warn = (sentence: string, error: unknown) => {
    throw new Error(sentence, { cause: error });
  };
  const admit = admitKey({
    keys,
    limiter: createRateLimiter({ store: counting, clock, warn }),
    environment: "prod",
    warn,
    logRefusal: ({ reason }) => warn(reason, undefined),
  });
  // A day's first request of a key also records the use.
  await admit({ key, model: "churn" });
  Object.assign(counted, { reads: 0, writes: 0 });
  await admit({ key, model: "churn" });
  return counted;
};

/** Counts what a request with some golden rows of a classification model writes and reads. Calls no service. */
export const measureRequest = async (modelFolder: string, count: number): Promise<RequestMeasures> => {
  const manifest = readManifest(readFileSync(join(modelFolder, "model.yaml"), "utf8"));
  const golden = Golden.parse(JSON.parse(readFileSync(join(modelFolder, "golden.json"), "utf8")));
  const [rows, predictions] = [golden.rows.slice(0, count), golden.predictions.slice(0, count)];
  if (rows.length < count) throw new RangeError(`${modelFolder} has only ${rows.length} golden rows`);
  const labels = "labels" in manifest.output ? manifest.output.labels : [];
  const format = (counts: ReadonlyMap<string, number>) =>
    formatEmf({
      environment: "prod",
      model: manifest.name,
      version: "12",
      at,
      latencyMs: 7.34,
      failed: false,
      labels: counts,
      scores: sampleScores(manifest)(predictions),
      engine: "compiled",
    });
  const directives = Emf.parse(JSON.parse(format(new Map(labels.map((label) => [label, 1])))));
  const record = await measureRecord(manifest, rows, predictions);
  const authorizer = await measureAuthorizer();
  return {
    rows: count,
    memoryMb: manifest.resources.memoryMb,
    metricsLineBytes: countLogBytes([
      `${format(new Map(labels.slice(0, count).map((label) => [label, 1])))}\n`,
    ]),
    customMetrics: directives._aws.CloudWatchMetrics.reduce(
      (total, { Dimensions, Metrics }) => total + Dimensions.length * Metrics.length,
      0,
    ),
    recordWrites: record.writes,
    recordBytes: record.bytes,
    ttlDays: manifest.records.ttlDays,
    authorizerReads: authorizer.reads,
    authorizerWrites: authorizer.writes,
  };
};
