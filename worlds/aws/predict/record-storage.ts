import type { SmallBlobs } from "#platform/blobs/blobs.ts";
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
 * A request waits at most a second for its record, and DynamoDB answers within milliseconds: a silent connection is
 * closed early enough for another try.
 */
const requestTimeouts = { connectionTimeout: 300, requestTimeout: 400, throwOnRequestTimeout: true };

const openOnce = <T>(open: () => Promise<T>): (() => Promise<T>) => {
  let promise: Promise<T> | undefined;
  return () => {
    promise ??= open();
    return promise;
  };
};

/**
 * The records' table and bucket. The first call that needs a client loads it: a cold start loads neither, and only a
 * large request loads S3's. Undefined if the environment names none.
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
  const openBlobs = openOnce(async (): Promise<SmallBlobs> => {
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
  const blobs: SmallBlobs = {
    put: async (key, bytes, options) => (await openBlobs()).put(key, bytes, options),
    get: async (key) => (await openBlobs()).get(key),
  };
  return { store, blobs };
};
