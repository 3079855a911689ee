import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { measureShape } from "./measure-shape.ts";
import { maxRows } from "./read-rows.ts";
import { shapes, type TrainedShape } from "./shapes.ts";

const model = new URL("../../test/support/tree-exports/xgboost-multiclass.onnx", import.meta.url);
const features = 6;

const createShapeFolder = async (trained: TrainedShape) => {
  const { path, remove } = await createTemporaryFolder();
  onTestFinished(remove);
  await copyFile(model, join(path, "model.onnx"));
  await writeFile(join(path, "shape.json"), JSON.stringify(trained));
  const rows = Float32Array.from({ length: maxRows * features }, (_, index) => Math.sin(index) * 3);
  await writeFile(join(path, "rows.f32"), new Uint8Array(rows.buffer));
  return path;
};

test("engines are compared, then timed round by round; one that does not start is left out with its reason", async () => {
  const trained = { input: "X", output: "probabilities", columns: 3, trees: 1, depth: 1 };
  const folder = await createShapeFolder(trained);
  const said: string[] = [];
  const [shape] = shapes;
  if (!shape) throw new Error("there is no shape");
  const { engines } = await measureShape(shape, trained, {
    folder,
    temporary: folder,
    python: join(folder, "no-python"),
    wrap: [],
    engines: ["Slipway", "onnxruntime-node", "timber"],
    rowCounts: [1],
    rounds: 2,
    measurementMs: 1,
    preparationLimitMs: 60_000,
    say: (sentence) => said.push(sentence),
  });
  expect(engines).toMatchObject([
    { engine: "Slipway", status: "measured", comparison: { isRight: true } },
    { engine: "onnxruntime-node", status: "measured", comparison: { largest: 0 } },
    { engine: "timber", status: "left-out", why: expect.stringContaining("process ended") },
  ]);
  for (const engine of engines.slice(0, 2))
    expect(engine.status === "measured" && engine.cpuMicros.get(1)?.median).toBeGreaterThan(0);
  expect(said).toContain("  1 row, round 2 of 2 …");
});
