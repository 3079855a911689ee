import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { serveModel } from "#inference/serve-model.ts";
import { buildLoopBody } from "#test/support/onnx/build-loop-body.ts";
import { readChurnYaml } from "#test/support/onnx/churn-folder.ts";
import { floatType, int64Type, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { startHttpServer } from "#worlds/embedded/gateway/http-server.ts";

const endlessBody = buildLoopBody("Identity");
/** Loops a billion times the largest x of its rows: 0 ends at once, as in every trial. */
const loopingModel = writeOnnx({
  graph: {
    nodes: [
      { op: "ReduceMax", inputs: ["x"], outputs: ["most"], attributes: [{ name: "keepdims", int: 0 }] },
      { op: "Cast", inputs: ["most"], outputs: ["count"], attributes: [{ name: "to", int: int64Type }] },
      { op: "Mul", inputs: ["count", "billion"], outputs: ["times"] },
      {
        op: "Loop",
        inputs: ["times", "", "x"],
        outputs: ["y"],
        attributes: [{ name: "body", graph: endlessBody }],
      },
    ],
    initializers: [{ name: "billion", dims: [], int64: [1_000_000_000] }],
    inputs: [{ name: "x", type: floatType, shape: ["N", 1] }],
    outputs: [{ name: "y", type: floatType, shape: ["N", 1] }],
  },
});
const manifest = readChurnYaml()
  .replace("task: classification", "task: regression")
  .replace(
    /inputs:[\s\S]*output:.*\n/,
    "inputs: [{ name: x, type: number, min: 0, max: 1000 }]\noutput: { name: y }\n",
  )
  .replace(/ {2}(accuracy|auc):.*\n/g, "");

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let close: () => Promise<void>;
let url: string;
/** Seconds that the service's clock is ahead. */
let clockOffsetSeconds: number;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  await writeFile(join(folder.path, "model.yaml"), manifest);
  await writeFile(join(folder.path, "model.onnx"), loopingModel);
  clockOffsetSeconds = 0;
  const { app, release, offloadProcess } = await serveModel({
    folder: folder.path,
    identity: { environment: "prod", version: 1 },
    now: Date.now,
    tick: () => Date.now() + 1_000 * clockOffsetSeconds,
    newId: () => crypto.randomUUID(),
    report: () => {},
    log: () => {},
    deadlineMs: 2_000,
  });
  const server = await startHttpServer(0, "127.0.0.1");
  server.serve(app);
  url = server.url;
  close = async () => {
    await server.close();
    offloadProcess.stop();
    await release();
    await folder.remove();
  };
});
afterEach(() => close());

const sendPredict = (...xs: readonly number[]): Promise<Response> =>
  fetch(`${url}/v1/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows: xs.map((x) => ({ x })) }),
  });
/** More rows than the event loop handles: another process gets them. */
const largeBatch = Array<number>(4_000).fill(0);
/** Number of responses of /health during `work`. */
const countHealthResponses = async (work: Promise<unknown>): Promise<number> => {
  let over = false;
  const end = work.finally(() => {
    over = true;
  });
  let count = 0;
  while (!over) {
    const response = await fetch(`${url}/health`);
    await response.text();
    if (response.status === 200 && !over) count++;
  }
  await end;
  return count;
};

describe("a run that never ends", () => {
  test("fails alone: requests of the same batch get their response, and /health responds meanwhile", async () => {
    const all = Promise.all([sendPredict(0), sendPredict(500), sendPredict(0), sendPredict(0)]);
    const responses = await countHealthResponses(all);
    expect(responses).toBeGreaterThan(10);
    const [first, endless, ...others] = await all;
    expect([first, ...others].map((response) => response?.status)).toEqual([200, 200, 200]);
    expect(endless?.status).toBe(504);
    expect(await endless?.json()).toMatchObject({
      type: "urn:slipway:problem:run-stopped",
      detail: expect.stringContaining("exceeded the model's limits"),
    });
    expect((await sendPredict(0)).status).toBe(200);
  });

  test("in a large body fails alone too, and repeated runs do not block small requests", async () => {
    expect((await sendPredict(...largeBatch)).status).toBe(200);
    const endless = sendPredict(500, ...largeBatch);
    expect(await countHealthResponses(endless)).toBeGreaterThan(10);
    expect((await endless).status).toBe(504);
    expect((await sendPredict(0)).status).toBe(200);
    for (let run = 0; run < 2; run++) expect((await sendPredict(500, ...largeBatch)).status).toBe(504);
    const refused = await sendPredict(...largeBatch);
    expect([refused.status, Number(refused.headers.get("retry-after"))]).toEqual([503, 1]);
    expect(await refused.json()).toMatchObject({ type: "urn:slipway:problem:model-busy" });
    expect((await sendPredict(0)).status).toBe(200);
    clockOffsetSeconds = 2;
    expect((await sendPredict(...largeBatch)).status).toBe(200);
  });

  test("several at once: new requests get Retry-After, and succeed after it", async () => {
    for (let run = 0; run < 3; run++) expect((await sendPredict(500)).status).toBe(504);
    const refused = await sendPredict(0);
    expect([refused.status, Number(refused.headers.get("retry-after"))]).toEqual([503, 1]);
    expect(await refused.json()).toMatchObject({ type: "urn:slipway:problem:model-busy" });
    expect((await fetch(`${url}/ready`)).status).toBe(503);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    clockOffsetSeconds = 2;
    expect((await sendPredict(0)).status).toBe(200);
    expect((await fetch(`${url}/ready`)).status).toBe(200);
  });
});
