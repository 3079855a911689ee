import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LoadedModel, loadModel } from "#inference/model/load-model.ts";
import type { Row } from "#model-folder/manifest/manifest.ts";
import {
  completeListOptions,
  createPythonEnvironment,
  requirePython,
} from "#test/peers/python-environment.ts";
import { createModelClient } from "#test/support/http/model-client.ts";
import { readChurnFiles, readChurnGolden, readChurnManifest } from "#test/support/onnx/churn-folder.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const { skip } = requirePython("kserve's and Triton's clients");
const rows: Row[] = readChurnGolden().rows;

describe.skipIf(skip)("the clients that others wrote", () => {
  let model: LoadedModel;
  let server: Awaited<ReturnType<typeof startHttpServer>> | undefined;
  const logged: string[] = [];
  /** What the model itself answers to the golden rows, which the clients send. */
  let expected: { label: unknown[]; probabilities: unknown[]; band: unknown[] };
  let results: Record<string, unknown> = {};
  let run: (args: readonly string[]) => Promise<string>;
  let host = "";

  beforeAll(async () => {
    const { python } = await createPythonEnvironment(
      file("test/peers/requirements-protocols.txt"),
      completeListOptions,
    );
    model = await loadModel({
      manifest: readChurnManifest(),
      model: { bytes: readChurnFiles().get("model.onnx") ?? new Uint8Array() },
    });
    const predictions = await model.predict(rows);
    expected = {
      label: predictions.map(({ label }) => label),
      probabilities: predictions.map(({ scores }) => [scores.stay, scores.churn]),
      band: predictions.map(({ band }) => band),
    };
    server = await startHttpServer(0);
    server.serve(createModelClient(model, logged));
    host = new URL(server.url).host;
    run = async (args) => {
      const options = { cwd: file("."), env: { PATH: process.env.PATH }, maxBuffer: 16 * 1_024 * 1_024 };
      const { stdout } = await promisify(execFile)(python, args, options);
      return stdout;
    };
    const stdout = await run([
      file("test/peers/protocols/oip_clients.py"),
      `http://${host}`,
      file("models/churn/golden.json"),
    ]);
    results = JSON.parse(stdout);
  }, 600_000);
  afterAll(async () => {
    await server?.close();
    await model?.release();
  });

  test("find the server and the model, by name and version", () => {
    expect(results.triton_asks).toEqual({
      live: true,
      ready: true,
      model_ready: true,
      version_ready: true,
      other_ready: false,
      server: expect.objectContaining({
        name: "slipway",
        extensions: ["binary_tensor_data", "classification"],
      }),
      model: expect.objectContaining({ name: "churn", versions: ["3"], platform: "onnx_onnxv1" }),
    });
    expect(results.kserve_asks).toEqual({ live: true, ready: true, model_ready: true, other_ready: false });
  });

  test.each(["triton_binary", "kserve_binary"])(
    "get the model's predictions with binary data: %s",
    (check) => {
      expect(results[check]).toMatchObject({ id: "mine", ...expected });
    },
  );

  // Charges that are missing before the first bill go as NaN there, as Python's json has it.
  test.each(["triton_json", "kserve_json"])("get the model's predictions with JSON: %s", (check) => {
    expect(results[check]).toMatchObject({ id: "mine", ...expected });
  });

  test("get the same with a dictionary without null values, and for the outputs they name", () => {
    expect(results.kserve_dict).toEqual({ label: expected.label });
    expect(results.kserve_outputs).toEqual({ id: "mine", label: expected.label, band: expected.band });
  });

  test("get the same with compressed bodies, and with 32-bit columns", () => {
    expect(results.triton_packed).toMatchObject([expected, expected]);
    expect(results.triton_narrow).toMatchObject({ label: expected.label, band: expected.band });
  });

  test("get the likeliest label as value, index and label", () => {
    const all = ["stay", "churn"];
    expect(results.triton_classes).toEqual(
      expected.label.map((label) =>
        expect.stringMatching(`^[0-9.e-]+:${all.indexOf(String(label))}:${label}$`),
      ),
    );
  });

  test("get a response for each of many rows, requests and connections, and after each refusal", () => {
    expect(results.triton_many).toBe(Math.min(10_000, rows.length * 200));
    expect(results.triton_reconnects).toEqual(Array(10).fill(expected.label));
    expect(results.kserve_at_once).toEqual(Array(20).fill(expected.label));
  });

  test("raise the error with its position", () => {
    const status = (status: string, message: string) => ({
      status,
      message: expect.stringContaining(message),
    });
    expect(results.triton_errors).toEqual({
      unknown_model: status("404", "This service has only churn, version 3"),
      unknown_version: status("404", "This service has only churn, version 3"),
      unknown_output: status("422", "/outputs/0/name must be one of label, probabilities, band"),
      missing_input: status("422", "/inputs missing inputs: tenure"),
      not_a_number: status("422", "/inputs/17/data/0 must be a finite number"),
      not_utf8: status("422", "/inputs/14/data/0 is not UTF-8"),
      unknown_category: status("422", "/inputs/14/data/0 must be one of"),
      packed: status("404", "This service has only churn, version 3"),
      unknown_model_metadata: status("404", "This service has only churn, version 3"),
    });
    const raised = (message: string) => ({
      type: "HTTPStatusError",
      message: expect.stringContaining(message),
    });
    expect(results.kserve_errors).toEqual({
      unknown_model: raised("This service has only churn, version 3"),
      unknown_category: raised("/inputs/14/data/0 must be one of"),
      not_a_number: raised("/inputs/17/data/0 must be a finite number"),
      unknown_output: raised("/outputs/0/name must be one of label, probabilities, band"),
    });
  });

  test.each(["tritonclient", "kserve"])("work as the documentation shows: %s", async (client) => {
    const blocks = readFileSync(file("docs/protocols.md"), "utf8").matchAll(/^```python\n(.*?)^```$/gms);
    const code = [...blocks].map(([, code = ""]) => code).find((code) => code.includes(client)) ?? "";
    const printed = await run(["-c", code.replaceAll("localhost:8080", host)]);
    expect(printed.replaceAll("'", '"')).toBe(
      `${JSON.stringify(expected.label.slice(0, 3)).replaceAll(",", ", ")}\n`,
    );
  });

  test("cause no error inside the service", () => {
    expect(logged).toEqual([]);
  });
});
