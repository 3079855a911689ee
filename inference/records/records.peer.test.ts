import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { createS3Blobs } from "#platform/blobs/s3.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { createTable } from "#test/peers/create-table.ts";
import { describeWithFaults, type MotoPeer } from "#test/peers/describe-with-faults.ts";
import { createLabelledRows } from "#test/support/records-fixture.ts";
import { createPredictionReader } from "./prediction-reader.ts";
import { createRecorder } from "./recorder.ts";

let places = 0;
const subject = async (peer: MotoPeer) => {
  places += 1;
  const name = `slipway-records-${places}`;
  const direct = {
    dynamodb: new DynamoDBClient(peer.direct()),
    s3: new S3Client({ ...peer.direct(), forcePathStyle: true }),
  };
  await createTable(direct.dynamodb, name);
  const CreateBucketConfiguration = { LocationConstraint: "eu-central-1" } as const;
  await direct.s3.send(new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration }));
  const dynamodb = new DynamoDBClient(peer.config());
  const s3 = new S3Client({ ...peer.config(), forcePathStyle: true });
  const clock = Date.now;
  const place = {
    store: createDynamoDbStore({ client: dynamodb, table: name, clock }),
    blobs: createS3Blobs({ client: s3, bucket: name }),
  };
  const lines: string[] = [];
  return {
    lines,
    recorder: createRecorder({
      ...place,
      manifest: { records: { inputs: "full", ttlDays: 30 } },
      log: (line) => lines.push(line),
      limitMs: 20_000,
    }),
    reader: createPredictionReader({ ...place, environment: "prod", model: "churn", clock }),
    close: () => {
      for (const client of [dynamodb, s3, direct.dynamodb, direct.s3]) client.destroy();
    },
  };
};

describeWithFaults("records", (peer) => {
  test("small and large requests, written at the same time, are all listed once, found and counted", async () => {
    const { recorder, reader, lines, close } = await subject(peer);
    const at = Date.now() - 60_000;
    const requests = Array.from({ length: 12 }, (_, index) => {
      const rows = Array.from({ length: index % 4 === 3 ? 150 : 3 }, (_, row) =>
        row % 3 ? "stay" : "churn",
      );
      return createLabelledRows(rows, { id: `r${index}`, at: at + (index % 5) });
    });
    const written = await Promise.all(requests.map((request) => recorder.record(request)));
    expect([written, lines]).toEqual([Array(12).fill("written"), []]);

    for (const label of [undefined, "churn"]) {
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await reader.list({ limit: 100, ...(cursor && { cursor }), ...(label && { label }) });
        ids.push(...page.items.map(({ id }) => id));
        // A retried addition may count twice where another came in between, and never too little.
        expect(page.total).toBeGreaterThanOrEqual(label ? 159 : 477);
        cursor = page.cursor;
      } while (cursor !== undefined);
      const expected = requests
        .toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
        .flatMap(({ id, predictions }) =>
          predictions.flatMap((given, row) => (label && given.label !== label ? [] : [`${id}.${row}`])),
        );
      expect(ids).toEqual(expected);
    }
    expect(await reader.prediction("r3.149")).toMatchObject({ inputs: { tenure: 149 } });
    expect(await reader.prediction("r2.1")).toMatchObject({ prediction: { label: "stay" } });
    close();
  });

  test("a storage that only fails gives failed, and the log has the reason without inputs", async () => {
    const { recorder, lines, close } = await subject(peer);
    peer.proxy().force("failed");
    expect(await recorder.record(createLabelledRows(["stay"]))).toBe("failed");
    peer.proxy().force(undefined);
    expect(lines).toEqual([
      expect.stringMatching(/^the record of request request-1 was not stored: TemporaryFault: DynamoDB/),
    ]);
    expect(lines.join()).not.toContain("one-year");
    close();
  });
});
