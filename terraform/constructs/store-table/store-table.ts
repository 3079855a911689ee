import { DynamodbTable } from "@cdktn/provider-aws/lib/dynamodb-table/index.js";
import type { Construct } from "constructs";

/** A table for platform/store/dynamodb.ts: keys `pk` and `sk`, TTL attribute `expiresAt`, on-demand capacity. */
export const addStoreTable = (
  scope: Construct,
  id: string,
  {
    name,
    key,
    protect,
    stream = false,
  }: {
    readonly name: string;
    readonly key: string;
    readonly protect: boolean;
    /** Whether functions are started by its writes; they get keys, and read the items themselves. */
    readonly stream?: boolean;
  },
): DynamodbTable =>
  new DynamodbTable(scope, id, {
    name,
    billingMode: "PAY_PER_REQUEST",
    hashKey: "pk",
    rangeKey: "sk",
    attribute: [
      { name: "pk", type: "S" },
      { name: "sk", type: "S" },
    ],
    ttl: { enabled: true, attributeName: "expiresAt" },
    pointInTimeRecovery: { enabled: true },
    serverSideEncryption: { enabled: true, kmsKeyArn: key },
    deletionProtectionEnabled: protect,
    ...(stream && { streamEnabled: true, streamViewType: "KEYS_ONLY" }),
  });
