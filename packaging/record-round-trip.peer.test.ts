import { once } from "node:events";
import { cp, symlink } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLambdaHost, type LambdaHost } from "#test/peers/lambda-host.ts";
import { requireRuntimeClient } from "#test/peers/runtime-client.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { writeRuntimeBundle } from "#test/support/write-bundle.ts";

const { skip } = requireRuntimeClient("tests of the inference function under AWS's runtime client");

/** DynamoDB's address, where every write succeeds: at once, or together with others as soon as `held` of them wait. */
const startTable = async () => {
  let held = 1;
  let calls = 0;
  let waiting: ServerResponse[] = [];
  const server = createServer((request, response) => {
    request.resume().once("end", () => {
      calls += 1;
      waiting.push(response);
      if (waiting.length < held) return;
      for (const each of waiting) each.setHeader("content-type", "application/x-amz-json-1.0").end("{}");
      waiting = [];
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: (count: number) => {
      held = count;
    },
    takeCalls: (): number => {
      const taken = calls;
      calls = 0;
      return taken;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

describe.skipIf(skip)("the inference function under AWS's runtime client", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let table: Awaited<ReturnType<typeof startTable>>;
  let host: LambdaHost;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    await writeRuntimeBundle(folder.path);
    const root = join(import.meta.dirname, "..");
    await cp(join(root, "models", "churn"), join(folder.path, "model"), { recursive: true });
    await symlink(join(root, "node_modules"), join(folder.path, "node_modules"));
    table = await startTable();
    host = createLambdaHost({
      name: "slipway-churn",
      code: folder.path,
      env: {
        MODEL_DIRECTORY: join(folder.path, "model"),
        ...{ SLIPWAY_MODEL: "churn", SLIPWAY_MODEL_VERSION: "3", SLIPWAY_ENVIRONMENT: "prod" },
        SLIPWAY_DIGEST: `sha256:${"a".repeat(64)}`,
        ...{ RECORDS_TABLE: "records", RECORDS_BUCKET: "records", AWS_ENDPOINT_URL: table.url },
        ...{ AWS_REGION: "eu-central-1", AWS_ACCESS_KEY_ID: "none", AWS_SECRET_ACCESS_KEY: "none" },
      },
    });
  });
  afterAll(async () => {
    await host?.stop();
    table?.close();
    await folder?.remove();
  });

  test.each([1, 20])(
    "a request of %i rows waits for one round trip to its table: all its writes are under way together",
    async (count) => {
      const { rows } = readChurnGolden();
      const event = { rows: rows.slice(0, count) };
      const invoke = async () => {
        const { payload, functionError } = await host.invoke(event);
        expect(functionError).toBeUndefined();
        expect(payload).toMatchObject({ predictions: { length: count } });
        expect(payload).not.toHaveProperty("storageWarning");
        return table.takeCalls();
      };
      table.hold(1);
      const calls = await invoke();
      expect(calls).toBeGreaterThan(1);
      // A write that waited for another one's response would never be sent, and the record would be given up.
      table.hold(calls);
      expect(await invoke()).toBe(calls);
    },
  );
});
