import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import type { Store } from "#platform/store/store.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

type Needs = { readonly env: GroupVariables<"store">; readonly clock: () => number };

/** Claims, ledger, approvals, messages and outcomes, in the table that the environment names. */
export const createStore = ({ env, clock }: Needs): Store =>
  createDynamoDbStore({ client: new DynamoDBClient({}), table: env.DELIVERY_TABLE, clock });
