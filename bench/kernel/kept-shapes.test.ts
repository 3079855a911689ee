import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { type MeasuredShape, openKeptShapes } from "./kept-shapes.ts";
import { type Shape, shapes } from "./shapes.ts";

const [shape, otherShape] = shapes as [Shape, Shape];
const result: MeasuredShape = {
  shape,
  when: { day: "2026-11-30", commit: "0123abcd", rounds: 7, loadBefore: 0.5, loadAfter: 1.5 },
  trained: { input: "x", output: "p", columns: 2, trees: 300, depth: 6 },
  engines: [
    {
      engine: "Slipway",
      status: "measured",
      version: "1",
      comparison: { largest: 1e-7, share: 0, isRight: true },
      cpuMicros: new Map([
        [1, { median: 2, min: 1, max: 3 }],
        [10_000, { median: 5, min: 4, max: 6 }],
      ]),
    },
    {
      engine: "timber",
      status: "wrong",
      version: "1",
      comparison: { largest: Number.POSITIVE_INFINITY, share: 1, isRight: false },
    },
    { engine: "lleaves", status: "left-out", why: "it reads no model of this library" },
  ],
};
const createFolder = async () => {
  const { path, remove } = await createTemporaryFolder();
  onTestFinished(remove);
  return join(path, "results");
};

test("a kept result is read as it was measured, also by a later run", async () => {
  const folder = await createFolder();
  await openKeptShapes(folder).write(result);
  expect(await openKeptShapes(folder).read(shape, 7)).toEqual(result);
});

test("a shape that was not measured, or in fewer rounds, is measured", async () => {
  const kept = openKeptShapes(await createFolder());
  expect(await kept.read(shape, 1)).toBeUndefined();
  await kept.write(result);
  expect(await kept.read(shape, 8)).toBeUndefined();
  expect(await kept.read(otherShape, 7)).toBeUndefined();
});

test("a broken file is named with what to do, and is no result", async () => {
  const folder = await createFolder();
  const kept = openKeptShapes(folder);
  await kept.write(result);
  await writeFile(join(folder, `${shape.name}.json`), '{"when":{}}');
  await expect(kept.read(shape, 7)).rejects.toThrow(/broken: remove it/);
});
