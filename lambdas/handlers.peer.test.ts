import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { stop } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleHandler } from "../scripts/bundle-handler.ts";
import { handlerEnvironment } from "../test/handler-environment.ts";
import { type Moto, motoClient, startMoto } from "../test/peers/moto.ts";
import { pythonPeer } from "../test/peers/python-environment.ts";
import { runBundle } from "../test/run-bundle.ts";
import { temporaryFolder } from "../test/temporary-folder.ts";

const { skip } = pythonPeer("tests of handlers on moto");

describe.skipIf(skip)("claim-environment as Lambda has it", () => {
  let moto: Moto;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    folder = await temporaryFolder();
    moto = await startMoto();
    const client = new DynamoDBClient(motoClient(moto.endpoint));
    await client.send(
      new CreateTableCommand({
        TableName: handlerEnvironment.DELIVERY_TABLE,
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [
          { AttributeName: "pk", KeyType: "HASH" },
          { AttributeName: "sk", KeyType: "RANGE" },
        ],
        AttributeDefinitions: [
          { AttributeName: "pk", AttributeType: "S" },
          { AttributeName: "sk", AttributeType: "S" },
        ],
      }),
    );
    client.destroy();
    await writeFile(
      join(folder.path, "index.mjs"),
      await bundleHandler("claim-environment").then(({ code }) => code),
    );
    await stop();
  });
  afterAll(async () => {
    await moto?.stop();
    await folder?.remove();
  });

  test("a later delivery takes stage under a higher fence, and the earlier one keeps its own when asked again", async () => {
    const claim = (delivery: string, requestedAt: number) => ({
      delivery,
      model: "churn",
      commit: "c".repeat(40),
      environment: "stage",
      requestedAt,
    });
    const variables = { ...handlerEnvironment, AWS_ENDPOINT_URL: moto.endpoint };
    const earlier = claim("churn-1", 1_000);
    const { answers, error } = await runBundle(join(folder.path, "index.mjs"), variables, [
      earlier,
      earlier,
      claim("churn-2", 2_000),
    ]);
    expect(error).toBe("");
    expect(answers).toEqual([
      { status: "granted", fence: 1 },
      { status: "granted", fence: 1 },
      { status: "granted", fence: 2 },
    ]);
    const late = await runBundle(join(folder.path, "index.mjs"), variables, [earlier]);
    expect(late.error).toMatch(/^Superseded: /);
  });
});
