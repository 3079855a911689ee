import { DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Moto, motoClientConfig, startMoto } from "./moto.ts";
import { requirePython } from "./python-environment.ts";

const { skip } = requirePython("tests on moto");

describe.skipIf(skip)("moto", () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
  });
  afterAll(() => moto.stop());

  test("a client reaches it, and it starts empty", async () => {
    const client = new DynamoDBClient(motoClientConfig(moto.endpoint));
    await expect(client.send(new DescribeTableCommand({ TableName: "none" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    client.destroy();
  });
});
