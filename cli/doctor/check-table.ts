import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  ResourceNotFoundException,
} from "@aws-sdk/client-dynamodb";
import type { AwsOutputs } from "#worlds/aws/environment/aws-outputs.ts";
import type { DoctorFinding } from "./finding.ts";

/** Checks that the table of claims, ledger and approvals exists, with its keys and its expiry. */
export const checkTable = async (
  client: DynamoDBClient,
  { DELIVERY_TABLE: table }: AwsOutputs,
): Promise<DoctorFinding> => {
  const apply = "Apply the stack `delivery` again.";
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    const keys = (Table?.KeySchema ?? []).map(({ AttributeName }) => AttributeName).join(" and ");
    if (keys !== "pk and sk")
      return {
        status: "missing",
        sentence: `The table ${table} has the keys ${keys}, not pk and sk.`,
        remedy: apply,
      };
    if (Table?.TableStatus !== "ACTIVE")
      return {
        status: "warning",
        sentence: `The table ${table} is ${Table?.TableStatus}.`,
        remedy: "Wait until it is ACTIVE.",
      };
    const { TimeToLiveDescription: expiry } = await client.send(
      new DescribeTimeToLiveCommand({ TableName: table }),
    );
    if (!expiry?.TimeToLiveStatus?.startsWith("ENABL"))
      return {
        status: "warning",
        sentence: `The table ${table} does not delete expired items.`,
        remedy: apply,
      };
    return { status: "ok", sentence: `The table ${table} exists.` };
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    return {
      status: "missing",
      sentence: `There is no table ${table}: no delivery can claim an environment.`,
      remedy: apply,
    };
  }
};
