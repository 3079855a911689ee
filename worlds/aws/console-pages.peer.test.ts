import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { auditKeys } from "#domain/audit/audit-entry.ts";
import { createAuditRecorder } from "#domain/audit/audit-recorder.ts";
import { createAuditTrail } from "#domain/audit/audit-trail.ts";
import { createFreezes } from "#domain/changes/freezes.ts";
import { createS3AnchorWriter } from "#platform/anchors/s3-anchor-writer.ts";
import { createDynamoDbStore } from "#platform/store/dynamodb.ts";
import { createTable } from "#test/peers/create-table.ts";
import { type Moto, motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { createNewApproval, recordApproval } from "#test/support/record-approval.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { createConsolePages } from "./console-pages.ts";

const { skip } = requirePython("the console's audit page on moto");

describe.skipIf(skip)("the console's pages on AWS", () => {
  let moto: Moto;
  let count = 0;
  beforeAll(async () => {
    moto = await startMoto({});
    const { region, credentials } = motoClientConfig(moto.endpoint);
    vi.stubEnv("AWS_ENDPOINT_URL", moto.endpoint);
    vi.stubEnv("AWS_REGION", region);
    vi.stubEnv("AWS_ACCESS_KEY_ID", credentials.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto?.stop();
  });

  let world: MemoryWorld;
  let audit: ReturnType<typeof createAuditRecorder>;
  let show: (path: string) => Promise<{ readonly status: number; readonly body: string }>;
  let read: (model?: string) => Promise<{ readonly status: number; readonly body: string }>;
  beforeEach(async () => {
    count += 1;
    const config = motoClientConfig(moto.endpoint);
    const bucket = `slipway-audit-${count}`;
    const table = `slipway-${count}`;
    const client = new DynamoDBClient(config);
    await createTable(client, table);
    const s3 = new S3Client({ ...config, forcePathStyle: true });
    await s3.send(
      new CreateBucketCommand({
        Bucket: bucket,
        ObjectLockEnabledForBucket: true,
        CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
      }),
    );
    world = createMemoryWorld({ instrument: () => createDynamoDbStore({ client, table, clock: Date.now }) });
    world.time.now = Date.now();
    const { store, clock, warn } = world;
    // As the sweep has it, without its registry.
    audit = createAuditRecorder({
      store,
      clock,
      warn,
      anchors: createS3AnchorWriter({ client: s3, bucket }),
    });
    const env = { ...handlerEnvironment, AUDIT_BUCKET: bucket };
    const pages = createConsolePages({ env, store, clock, caller: "show-console", signOut: "/sign-out" });
    show = async (path) => {
      const { status, body } = await pages({ path, query: new URLSearchParams() });
      return { status, body: String(body) };
    };
    read = (model = toyModel) => show(`/models/${model}/audit`);
    return () => world.close();
  });
  const decide = async (delivery: string) => {
    await recordApproval(world, { delivery, letter: "a", version: 1 });
    await audit.settle(delivery);
  };

  test("verifies the chain in the table against the bucket's anchors, and says what it does not check", async () => {
    await decide("d1");
    const by = { id: "arn:ada", name: "Ada Byron" };
    const until = Date.now() + 3_600_000;
    await createFreezes(world).freeze({ scope: "*", until, reason: "quiet days", by });
    await audit.recordModel(toyModel);
    await audit.anchor(toyModel);
    const { status, body } = await read();
    expect(world.warnings).toEqual([]);
    expect(status).toBe(200);
    expect(body).toContain("The chain holds.");
    expect(body).toMatch(/Anchored up to entry 5 in s3:\/\/slipway-audit-\d+\/audit\/toy\/0000000005-/);
    expect(body).toContain("quiet days");
    expect(body).toContain("tags are not compared here");
    expect(body).toContain(`slipway audit ${toyModel} --world aws`);
  });

  test("finds an entry that somebody changed in the table, and an end that somebody cut", async () => {
    await decide("d1");
    const [, second] = await createAuditTrail(world).readItems(toyModel);
    const value = { ...(second?.value as object), at: "2020-01-01T00:00:00.000Z" };
    await world.store.put(auditKeys.entry(toyModel, 2), value);
    expect((await read()).body).toContain("Entry 2 was changed");
    await world.store.put(auditKeys.entry(toyModel, 2), second?.value ?? null);
    await world.store.remove(auditKeys.entry(toyModel, 4));
    const { body } = await read();
    expect(body).toContain("The chain is broken.");
    expect(body).toContain("Entry 4 was removed.");
  });

  test("an open question leads to where it is decided, and names approvers by the address that they showed", async () => {
    const now = world.time.now;
    const claim = { environment: "stage" as const, model: toyModel, delivery: "d9", requestedAt: now, now };
    await world.claims.take({ ...claim, commit: world.commit("a") }, "newer");
    const { id } = await world.approvals.ask(
      createNewApproval(world, {
        ...{ delivery: "d9", letter: "a", version: 1 },
        contributors: {
          ...{ people: [], addresses: [], unmapped: [], approvers: [], leftOut: [] },
          shown: [{ user: "U024BE7LH", email: "ada@example.com" }],
        },
      }),
      "token-d9",
    );
    const { status, body } = await show(`/models/${toyModel}/deliveries/d9/approval`);
    expect(status, id).toBe(200);
    expect(body).toMatch(/href="https:\/\/app\.slack\.com\/client\/[^"]+">Decide in Slack</);
    expect(body).toContain("ada@example.com");
  });

  test("a name that no model can have has no page", async () => {
    expect((await read("Not_a_model")).status).toBe(404);
    expect((await read("..%2Fother")).status).toBe(404);
    expect((await read("other")).body).toContain("Nothing was recorded yet");
  });
});
