import type { Blobs } from "#platform/blobs/blobs.ts";
import type { Store } from "#platform/store/store.ts";

type Needs = {
  readonly env: {
    readonly RECORDS_TABLE?: string | undefined;
    readonly RECORDS_BUCKET?: string | undefined;
  };
  /** Epoch milliseconds. */
  readonly clock: () => number;
};

/**
 * A record is waited for no longer than a second, and DynamoDB answers within milliseconds: a connection that says
 * nothing is given up early enough for another try.
 */
const requestTimeouts = { connectionTimeout: 300, requestTimeout: 400, throwOnRequestTimeout: true };

const openOnce = <T>(open: () => Promise<T>): (() => Promise<T>) => {
  let opened: Promise<T> | undefined;
  return () => {
    opened ??= open();
    return opened;
  };
};

/**
 * The records' table and bucket. The clients are loaded by the first call that needs them, each for itself: a cold
 * start pays for neither, and S3's only a large request. Undefined where the environment names none.
 */
export const createRecordStorage = ({ env, clock }: Needs) => {
  const { RECORDS_TABLE: table, RECORDS_BUCKET: bucket } = env;
  if (table === undefined || bucket === undefined) return undefined;
  const openStore = openOnce(async (): Promise<Store> => {
    const { DynamoDBClient } = await import("@aws-sdk/client-dynamodb");
    const { createDynamoDbStore } = await import("#platform/store/dynamodb.ts");
    return createDynamoDbStore({
      client: new DynamoDBClient({ requestHandler: requestTimeouts }),
      table,
      clock,
    });
  });
  const openBlobs = openOnce(async (): Promise<Blobs> => {
    const { S3Client } = await import("@aws-sdk/client-s3");
    const { createS3Blobs } = await import("#platform/blobs/s3.ts");
    return createS3Blobs({ client: new S3Client(), bucket });
  });
  const store: Pick<Store, "get" | "page" | "putAll" | "add"> = {
    get: async (key) => (await openStore()).get(key),
    page: async (query) => (await openStore()).page(query),
    putAll: async (entries) => (await openStore()).putAll(entries),
    add: async (key, amounts, options) => (await openStore()).add(key, amounts, options),
  };
  const blobs: Blobs = {
    put: async (key, bytes, options) => (await openBlobs()).put(key, bytes, options),
    get: async (key) => (await openBlobs()).get(key),
  };
  return { store, blobs };
};
