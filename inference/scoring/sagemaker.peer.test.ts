import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { createApp } from "#inference/app.ts";
import type { Row } from "#model-folder/manifest/manifest.ts";
import { createPythonEnvironment, requirePython } from "#test/peers/python-environment.ts";
import { readChurnGolden } from "#test/support/onnx/churn-folder.ts";
import { createChurnService } from "#test/support/onnx/churn-service.ts";
import { readDocsPython } from "#test/support/read-docs-python.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";
import { toDataFrameRecords } from "./data-frame-records.ts";

const { skip } = requirePython("boto3's sagemaker-runtime");
const root = fileURLToPath(new URL("../..", import.meta.url));
const script = join(root, "test", "peers", "sagemaker", "invoke_endpoint.py");
const rows: Row[] = readChurnGolden().rows;
const csv = rows.map((row) => Object.values(row).join(",")).join("\n");

describe.skipIf(skip)("boto3's sagemaker-runtime with its endpoint set to the service", () => {
  let results: Record<string, Record<string, unknown>> = {};
  /** What the model itself answers. */
  let records: ReturnType<ReturnType<typeof toDataFrameRecords>>;

  beforeAll(async () => {
    await using stack = new AsyncDisposableStack();
    const { python } = await createPythonEnvironment();
    const service = await createChurnService();
    stack.defer(() => service.model.release());
    records = toDataFrameRecords(service.model.manifest)(await service.model.predict(rows));
    const server = await startHttpServer(0);
    stack.defer(server.close);
    server.serve(createApp(service));
    const folder = await createTemporaryFolder();
    stack.defer(folder.remove);
    const bodies = join(folder.path, "bodies.json");
    const documented = readDocsPython("sagemaker-runtime", server.url);
    const wrong = csv.replace(/Month-to-month|One year|Two year/, "Weekly");
    await writeFile(
      bodies,
      JSON.stringify({ csv, json: JSON.stringify({ instances: rows }), wrong, documented }),
    );
    const env = {
      PATH: process.env.PATH,
      HOME: folder.path,
      PYTHONDONTWRITEBYTECODE: "1",
      // The program in the documentation finds them as an application of AWS does.
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_DEFAULT_REGION: "eu-central-1",
    };
    const { stdout } = await promisify(execFile)(python, [script, server.url, bodies], {
      env,
      cwd: root,
      maxBuffer: 16 * 1_024 * 1_024,
    });
    results = JSON.parse(stdout);
  }, 600_000);

  test("gets CSV without a header, and the version as its variant", () => {
    expect(results.csv).toMatchObject({ type: expect.stringMatching(/^text\/csv/), variant: "3" });
    const lines = records.map(({ label, band, stay, churn }) => [label, band, stay, churn].join(","));
    expect(String(results.csv?.body).trim().split("\r\n")).toEqual(lines);
  });

  test.each(["csv_to_json", "json"])("gets records in JSON: %s", (call) => {
    expect(results[call]?.type).toBe("application/json");
    expect(JSON.parse(String(results[call]?.body))).toEqual({ predictions: records });
  });

  test("raises ModelError with the model's own status and problem", () => {
    expect(results.wrong).toMatchObject({
      raised: "ModelError",
      code: "ModelError",
      OriginalStatusCode: 422,
    });
    expect(JSON.parse(String(results.wrong?.OriginalMessage)).errors).toMatchObject([
      { pointer: "/rows/0/contract", detail: expect.stringContaining("must be one of") },
    ]);
    expect(results.other_type).toMatchObject({ raised: "ModelError", OriginalStatusCode: 415 });
  });

  test("raises ValidationError for an endpoint with another name", () => {
    expect(results.other_name).toMatchObject({
      code: "ValidationError",
      message: expect.stringContaining("this service has churn"),
    });
  });

  test("works as the documentation shows", () => {
    const labels = JSON.stringify(records.slice(0, 3).map(({ label }) => label));
    expect(String(results.documented).replaceAll("'", '"').replaceAll(", ", ",")).toBe(`${labels}\n`);
  });

  test("gets predictions after each refusal", () => {
    expect(results.again).toEqual(results.csv);
  });
});
