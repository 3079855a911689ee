import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { expect, test } from "vitest";
import { z } from "zod";
import { replayCanary } from "#domain/canary/replay-canary.ts";
import { assertModel } from "#model-check/check-model.ts";
import { Golden, Prediction } from "#model-folder/manifest/manifest.ts";
import { bundleRuntime } from "#packaging/bundle-runtime.ts";
import { createModelPlan } from "#packaging/create-model-plan.ts";
import { createOciImages } from "#platform/images/oci.ts";
import { detectPlatform } from "#platform/images/runtime-layer.ts";
import { unpackImage } from "#platform/images/unpack-image.ts";
import type { RequestMetrics } from "#platform/metrics/metrics.ts";
import { parseEmf } from "#platform/metrics/parse-emf.ts";
import { createEmbeddedServing } from "#platform/serving/embedded.ts";
import { openDatabase } from "#platform/store/open-database.ts";
import { createSqliteStore } from "#platform/store/sqlite.ts";
import { copyModelFilesOf } from "#test/support/copy-model-files.ts";
import { memoryBlobs } from "#test/support/memory-blobs.ts";
import { createFunctionHost } from "#worlds/embedded/functions/function-host.ts";
import { createGateway } from "./gateway.ts";

const churn = fileURLToPath(new URL("../../../models/churn", import.meta.url));
const PredictResponse = z.object({ predictions: z.array(Prediction), model: z.string() });

test("a worker with the unpacked image predicts a model's golden rows over HTTP, and a replay of their records leaves no trace", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-golden-"));
  const names = await readdir(churn);
  const files = new Map<string, Uint8Array>();
  for (const name of names) files.set(name, await readFile(join(churn, name)));
  const images = createOciImages({
    folder: join(folder, "images"),
    source: { copyModelFiles: copyModelFilesOf(() => files) },
    platform: detectPlatform() ?? "linux/x64",
    bundle: bundleRuntime,
    check: assertModel,
    compile: createModelPlan,
    advisories: async () => undefined,
    clock: Date.now,
  });
  const requests: RequestMetrics[] = [];
  const lines: string[] = [];
  const database = openDatabase(join(folder, "state.db"));
  const store = createSqliteStore({ database, clock: Date.now });
  const host = createFunctionHost({
    imageRoot: unpackImage({ folder: join(folder, "images"), into: join(folder, "unpacked") }),
    metrics: { request: (metrics) => void requests.push(metrics), unreported: () => {} },
    parseEmf,
    onLine: ({ line }) => void lines.push(line),
    staysWarm: async () => true,
    clock: Date.now,
    requestId: () => crypto.randomUUID(),
    records: { place: { store, blobs: memoryBlobs() }, hashKey: Buffer.alloc(32, 1).toString("base64") },
  });
  const serving = createEmbeddedServing({
    environment: "prod",
    store,
    images,
    functions: host,
    url: "http://127.0.0.1",
    random: Math.random,
  });
  const app = createGateway({
    servings: { stage: serving, prod: serving },
    clock: Date.now,
    requestId: () => crypto.randomUUID(),
  });
  const listening = Promise.withResolvers<number>();
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
    listening.resolve(port),
  );
  try {
    const build = await images.build({
      model: "churn",
      commit: "0".repeat(40),
      runtime: await images.runtimeHash(),
    });
    await serving.ensure("churn");
    const { version } = await serving.publish("churn", {
      digest: build.digest,
      memoryMb: 1769,
      timeoutSeconds: 30,
      variables: {
        SLIPWAY_MODEL: "churn",
        SLIPWAY_MODEL_VERSION: "1",
        SLIPWAY_DIGEST: build.digest,
        SLIPWAY_ENVIRONMENT: "prod",
      },
    });
    await serving.route("churn", { version, description: "" }, { expect: "absent" });
    const golden = Golden.parse(JSON.parse(await readFile(join(churn, "golden.json"), "utf8")));

    const response = await fetch(`http://127.0.0.1:${await listening.promise}/prod/models/churn/v1/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rows: golden.rows }),
    });
    const text = await response.text();

    expect({ status: response.status, text, lines }).toMatchObject({ status: 200 });
    const { predictions } = PredictResponse.parse(JSON.parse(text));
    expect(predictions.map(({ label }) => label)).toEqual(golden.predictions.map(({ label }) => label));
    for (const [index, { scores }] of golden.predictions.entries())
      for (const [label, score] of Object.entries(scores))
        expect(Math.abs((predictions[index]?.scores[label] ?? 9) - score)).toBeLessThan(golden.tolerance);
    expect(requests).toMatchObject([{ environment: "prod", model: "churn", version, failed: false }]);
    const scores = predictions.map((prediction) => Number(prediction.scores.churn?.toPrecision(6)));
    expect(requests[0]?.scores).toHaveLength(Math.min(20, scores.length));
    expect(scores).toEqual(expect.arrayContaining([...(requests[0]?.scores ?? [])]));

    const replayed = await replayCanary({ serving, clock: Date.now, wait: async () => undefined })({
      model: "churn",
      champion: { functionVersion: version, version: 1, promotedAt: 0, startedAt: 0 },
      challenger: version,
      manifests: [{ records: { inputs: "full", ttlDays: 30 } }],
      limits: { errorPoints: 1, latencyP95: { ratio: 1.5, slackMs: 2_000 }, labelSharePoints: 10 },
      labels: ["stay", "churn"],
    });
    expect(replayed.omitted).toEqual([]);
    expect(replayed.checks.find(({ name }) => name === "replay labels")).toMatchObject({
      measured: 0,
      detail: expect.stringContaining(`replay of ${golden.rows.length} recorded rows`),
    });
    expect(requests).toHaveLength(1);
    const page = await fetch(`http://127.0.0.1:${await listening.promise}/prod/models/churn/v1/predictions`);
    expect(await page.json()).toMatchObject({ total: golden.rows.length });
  } finally {
    await host.stop();
    await new Promise((done) => server.close(done));
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
});
