import { expect, test } from "vitest";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { createNeighbouringRows } from "#test/support/trees/neighbouring-rows.ts";
import { createRandomEnsemble, createRandomShape } from "#test/support/trees/random-ensemble.ts";
import { layOutEnsemble } from "./lay-out-ensemble.ts";
import { readLayout } from "./layout.ts";
import { openEnsemble } from "./open-ensemble.ts";

const createLayout = (seed: number) => {
  const random = createSeededRandom(seed);
  const ensemble = createRandomEnsemble(random, createRandomShape(random, 200));
  return { random, ensemble, bytes: layOutEnsemble(ensemble) };
};

test("bytes of another form, another version or another length are refused", () => {
  const { bytes } = createLayout(2);
  const change = (index: number) => bytes.with(index, (bytes[index] ?? 0) ^ 1);
  for (const wrong of [new Uint8Array(), new Uint8Array(4_096), change(0), change(4), change(8)])
    expect(() => openEnsemble(wrong)).toThrow(expect.objectContaining({ name: "LayoutRefused" }));
  for (const length of [16, bytes.length - 16])
    expect(() => openEnsemble(bytes.subarray(0, length))).toThrow(/layout of the trees/);
});

/**
 * A run that read or wrote outside the memory would throw a RuntimeError, and one that never ended would end the test by its deadline. The
 * rows of a damaged layout may get any number.
 */
test("a layout with any word changed is refused, or runs within its memory and ends", () => {
  let refused = 0;
  let ran = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const { random, ensemble, bytes } = createLayout(seed);
    const rows = createNeighbouringRows(random, ensemble, 20);
    for (let change = 0; change < 40; change++) {
      const forged = bytes.slice();
      const word = 4 * Math.floor(random() * (bytes.length / 4));
      const values = [0, 1, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, Math.floor(random() * 2 ** 32)];
      new DataView(forged.buffer).setUint32(word, values[Math.floor(random() * values.length)] ?? 0, true);
      const runner = (() => {
        try {
          return openEnsemble(forged);
        } catch (error) {
          expect(error, `seed ${seed}, word ${word}`).toMatchObject({ name: "LayoutRefused" });
          return undefined;
        }
      })();
      if (!runner) refused++;
      // A changed number of features needs other rows.
      else if (runner.featureCount === ensemble.featureCount) {
        for (const count of [1, 20]) {
          runner.features(count).set(rows.subarray(0, count * ensemble.featureCount));
          expect(runner.run(count)).toHaveLength(count * runner.width);
        }
        ran++;
      }
    }
  }
  expect(refused).toBeGreaterThan(100);
  expect(ran).toBeGreaterThan(100);
});

const walked = createRandomEnsemble(createSeededRandom(8), {
  features: 70,
  trees: 3,
  leaves: 100,
  growth: "random",
  symmetric: false,
  modes: ["<=", "member"],
  thresholds: 20,
  missing: "mixed",
  width: 1,
  weights: "one",
  aggregate: "sum",
});
const masked = createRandomEnsemble(createSeededRandom(9), {
  ...{ features: 5, trees: 3, leaves: 30, growth: "level", symmetric: false, modes: ["<="], thresholds: 20 },
  ...{ missing: "no", width: 1, weights: "one", aggregate: "sum" },
});
const symmetric = createRandomEnsemble(createSeededRandom(10), {
  ...{ features: 5, trees: 3, leaves: 64, growth: "level", symmetric: true, modes: ["<="], thresholds: 20 },
  ...{ missing: "no", width: 1, weights: "one", aggregate: "sum" },
});
const far = 0x7fff_ff00;

test.each([
  ["a node that is its own ancestor: the walk would not end", walked, "nodes", 0, 0x0000_0000],
  ["a node's column", walked, "nodes", 0, 0x0001_ff00],
  ["the number of a leaf", walked, "leafNumbers", 4 * 20, far],
  ["a feature behind the last", walked, "features", 0, far],
  ["cuts behind the last", walked, "features", 8, far],
  ["steps of a search", walked, "features", 4, 30],
  ["a feature's last column", walked, "features", 16, far],
  ["a column's table", walked, "columns", 4, far],
  ["a tree's weights", walked, "trees", 4, far],
  ["a tree's nodes", walked, "trees", 0, far],
  ["a tree's target", walked, "trees", 8, 1],
  ["a record's column", walked, "records", 0, far],
  ["a record's children", walked, "records", 4, 0xffff_ffff],
  ["a record's result in a constant", walked, "records", 8, 0],
  ["a piece's records", walked, "pieces", 4, far],
  ["a piece's result", walked, "pieces", 8, far],
  ["a piece's weights", walked, "pieces", 12, far],
  ["an index that selects differently on different machines", masked, "masks", 0, 0x1010_1010],
  ["a level's column", symmetric, "symmetricTrees", 20, far],
  ["the depth of a symmetric tree", symmetric, "symmetricTrees", 0, 9],
] as const)("a layout is refused that forges %s", (_, ensemble, section, offset, value) => {
  const bytes = layOutEnsemble(ensemble);
  new DataView(bytes.buffer).setUint32(readLayout(bytes).starts[section] + offset, value, true);
  expect(() => openEnsemble(bytes)).toThrow(expect.objectContaining({ name: "LayoutRefused" }));
});

test("bytes may begin anywhere in a larger buffer", () => {
  const { bytes, ensemble } = createLayout(7);
  const larger = new Uint8Array(bytes.length + 1);
  larger.set(bytes, 1);
  expect(openEnsemble(larger.subarray(1)).featureCount).toBe(ensemble.featureCount);
});

test("a run takes from one row to the most that fit its memory", () => {
  const { bytes } = createLayout(4);
  const runner = openEnsemble(bytes);
  for (const count of [0, -1, 1.5, runner.maxRows + 1]) {
    expect(() => runner.features(count)).toThrow(RangeError);
    expect(() => runner.run(count)).toThrow(RangeError);
  }
  expect(runner.run(runner.maxRows)).toHaveLength(runner.maxRows * runner.width);
});
