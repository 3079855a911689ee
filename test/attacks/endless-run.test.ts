import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { serveModel } from "#inference/serve-model.ts";
import { churnYaml } from "#test/support/onnx/churn-folder.ts";
import { loopBody } from "#test/support/onnx/loop-body.ts";
import { float, int64, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";
import { listen } from "#worlds/embedded/gateway/server.ts";

const body = loopBody("Identity");
/** Loops as often as the largest x of its rows says, times a billion: 0 ends at once, as in every trial. */
const looping = writeOnnx({
  graph: {
    nodes: [
      { op: "ReduceMax", inputs: ["x"], outputs: ["most"], attributes: [{ name: "keepdims", int: 0 }] },
      { op: "Cast", inputs: ["most"], outputs: ["count"], attributes: [{ name: "to", int: int64 }] },
      { op: "Mul", inputs: ["count", "billion"], outputs: ["times"] },
      { op: "Loop", inputs: ["times", "", "x"], outputs: ["y"], attributes: [{ name: "body", graph: body }] },
    ],
    initializers: [{ name: "billion", dims: [], int64: [1_000_000_000] }],
    inputs: [{ name: "x", type: float, shape: ["N", 1] }],
    outputs: [{ name: "y", type: float, shape: ["N", 1] }],
  },
});
const manifest = churnYaml()
  .replace("task: classification", "task: regression")
  .replace(
    /inputs:[\s\S]*output:.*\n/,
    "inputs: [{ name: x, type: number, min: 0, max: 1000 }]\noutput: { name: y }\n",
  )
  .replace(/ {2}(accuracy|auc):.*\n/g, "");

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let close: () => Promise<void>;
let url: string;
/** Seconds that the service's clock is ahead. */
let ahead: number;

beforeEach(async () => {
  folder = await temporaryFolder();
  await writeFile(join(folder.path, "model.yaml"), manifest);
  await writeFile(join(folder.path, "model.onnx"), looping);
  ahead = 0;
  const { app, release, elsewhere } = await serveModel({
    folder: folder.path,
    identity: { environment: "prod", version: 1 },
    now: Date.now,
    tick: () => Date.now() + 1_000 * ahead,
    newId: () => crypto.randomUUID(),
    report: () => {},
    log: () => {},
    deadlineMs: 2_000,
  });
  const server = await listen(0, () => {}, "127.0.0.1");
  server.serve(app);
  url = server.url;
  close = async () => {
    await server.close();
    elsewhere.stop();
    await release();
    await folder.remove();
  };
});
afterEach(() => close());

const ask = (...xs: readonly number[]): Promise<Response> =>
  fetch(`${url}/v1/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows: xs.map((x) => ({ x })) }),
  });
/** More rows than are answered on the event loop: another process has them. */
const many = Array<number>(4_000).fill(0);
/** How often /health answered before `work` was over. */
const healthDuring = async (work: Promise<unknown>): Promise<number> => {
  let over = false;
  const end = work.finally(() => {
    over = true;
  });
  let answered = 0;
  while (!over) {
    const response = await fetch(`${url}/health`);
    await response.text();
    if (response.status === 200 && !over) answered++;
  }
  await end;
  return answered;
};

describe("a run that never ends", () => {
  test("fails alone: who shared it is answered, and /health answers all the while", async () => {
    const all = Promise.all([ask(0), ask(500), ask(0), ask(0)]);
    const alive = await healthDuring(all);
    expect(alive).toBeGreaterThan(10);
    const [first, endless, ...others] = await all;
    expect([first, ...others].map((response) => response?.status)).toEqual([200, 200, 200]);
    expect(endless?.status).toBe(504);
    expect(await endless?.json()).toMatchObject({
      type: "urn:slipway:problem:run-stopped",
      detail: expect.stringContaining("did not end within the model's limits"),
    });
    expect((await ask(0)).status).toBe(200);
  });

  test("in a large body fails alone too, and again and again it keeps no small request waiting", async () => {
    expect((await ask(...many)).status).toBe(200);
    const endless = ask(500, ...many);
    expect(await healthDuring(endless)).toBeGreaterThan(10);
    expect((await endless).status).toBe(504);
    expect((await ask(0)).status).toBe(200);
    for (let run = 0; run < 2; run++) expect((await ask(500, ...many)).status).toBe(504);
    const refused = await ask(...many);
    expect([refused.status, Number(refused.headers.get("retry-after"))]).toEqual([503, 1]);
    expect(await refused.json()).toMatchObject({ type: "urn:slipway:problem:model-busy" });
    expect((await ask(0)).status).toBe(200);
    ahead = 2;
    expect((await ask(...many)).status).toBe(200);
  });

  test("again and again, none ending between: new requests are told when to come back, and are answered then", async () => {
    for (let run = 0; run < 3; run++) expect((await ask(500)).status).toBe(504);
    const refused = await ask(0);
    expect([refused.status, Number(refused.headers.get("retry-after"))]).toEqual([503, 1]);
    expect(await refused.json()).toMatchObject({ type: "urn:slipway:problem:model-busy" });
    expect((await fetch(`${url}/ready`)).status).toBe(503);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    ahead = 2;
    expect((await ask(0)).status).toBe(200);
    expect((await fetch(`${url}/ready`)).status).toBe(200);
  });
});
