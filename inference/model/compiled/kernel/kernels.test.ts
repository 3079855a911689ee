import { expect, test } from "vitest";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { evaluateEnsemble } from "#test/support/trees/evaluate-ensemble.ts";
import { createNeighbouringRows } from "#test/support/trees/neighbouring-rows.ts";
import {
  createRandomEnsemble,
  createRandomShape,
  type EnsembleShape,
} from "#test/support/trees/random-ensemble.ts";
import { nodeModes, type Tree, type TreeEnsemble } from "../tree-ensemble.ts";
import { chooseKernels } from "./choose-kernels.ts";
import { layOutEnsemble } from "./lay-out-ensemble.ts";
import { openEnsemble } from "./open-ensemble.ts";

/** Row counts that meet the row kernel, a partial vector, and more than one vector of a block. */
const rowCounts = [1, 3, 17, 40, 130] as const;

/** The first row whose numbers differ from the plain evaluation, to the last bit; undefined if there is none. */
const findDifference = (ensemble: TreeEnsemble, random: () => number): unknown => {
  const runner = openEnsemble(layOutEnsemble(ensemble));
  for (const count of rowCounts) {
    const rows = createNeighbouringRows(random, ensemble, count);
    runner.features(count).set(rows);
    const numbers = runner.run(count);
    for (let row = 0; row < count; row++) {
      const values = rows.subarray(row * ensemble.featureCount, (row + 1) * ensemble.featureCount);
      const expected = evaluateEnsemble(ensemble, values);
      const actual = numbers.slice(row * ensemble.width, (row + 1) * ensemble.width);
      // -0 and 0 are the same number.
      if (expected.some((value, target) => value !== actual[target]))
        return { row, count, values, expected, actual };
    }
  }
  return undefined;
};

const plain: EnsembleShape = {
  features: 20,
  trees: 20,
  leaves: 60,
  growth: "level",
  symmetric: false,
  modes: ["<="],
  thresholds: 100,
  missing: "no",
  width: 1,
  weights: "one",
  aggregate: "sum",
};
const shapes: readonly (readonly [string, Partial<EnsembleShape>])[] = [
  ["trees of depth 6", {}],
  ["deep trees of 255 leaves", { leaves: 255, growth: "random", thresholds: 250 }],
  ["trees of more leaves than a byte numbers", { leaves: 1_000, growth: "random", trees: 4 }],
  ["trees of thousands of leaves", { leaves: 4_000, trees: 2, thresholds: 900 }],
  ["trees of one long path", { leaves: 600, growth: "chain", trees: 4 }],
  ["trees without a node", { leaves: 1 }],
  ["more thresholds than a byte tells apart", { thresholds: 5_000, leaves: 255, trees: 60, features: 2 }],
  ["700 features", { features: 700, leaves: 255 }],
  ["every mode, and missing values to either side", { modes: nodeModes, missing: "mixed" }],
  ["equality alone", { modes: ["==", "!="], thresholds: 12 }],
  ["symmetric trees", { symmetric: true, leaves: 64 }],
  ["symmetric trees of depth 8", { symmetric: true, leaves: 256 }],
  ["symmetric trees of 300 features", { symmetric: true, leaves: 64, features: 300, trees: 60 }],
  ["a target per tree", { width: 3, weights: "per tree" }],
  ["leaves with a weight for each of seven targets", { width: 7, weights: "all", aggregate: "average" }],
  ["two targets with opposite weights", { width: 2, weights: "opposite" }],
  ["symmetric trees with opposite weights", { width: 2, weights: "opposite", symmetric: true, leaves: 64 }],
  ["leaves that weigh some targets", { width: 5, weights: "any" }],
  ["the minimum over trees that weigh a target", { width: 5, weights: "any", aggregate: "minimum" }],
  ["the maximum over split trees", { width: 2, weights: "any", aggregate: "maximum", leaves: 600, trees: 3 }],
];

test.each(shapes)("%s give the numbers of the plain evaluation, to the last bit", (_, shape) => {
  const random = createSeededRandom(15);
  expect(findDifference(createRandomEnsemble(random, { ...plain, ...shape }), random)).toBeUndefined();
});

const samples = 40;
test("ensembles of random shapes give the numbers of the plain evaluation, whichever kernels run them", () => {
  const pairs = new Set<string>();
  for (let seed = 1; seed <= samples; seed++) {
    const random = createSeededRandom(seed);
    const ensemble = createRandomEnsemble(random, createRandomShape(random, 1_000));
    const choice = chooseKernels(ensemble);
    pairs.add(choice.status === "chosen" ? `${choice.kernels.row} ${choice.kernels.bulk}` : choice.reason);
    expect(findDifference(ensemble, random), `seed ${seed}`).toBeUndefined();
  }
  expect([...pairs].toSorted()).toEqual([
    "masks slots",
    "symmetric symmetric",
    "walk slots",
    "walk symmetric",
  ]);
});

test.each([
  ["shallow trees", {}, "masks slots"],
  ["trees of more than six levels", { leaves: 255 }, "walk slots"],
  ["trees of thousands of leaves", { leaves: 4_000, trees: 2 }, "walk walk"],
  ["more columns than a swizzle selects from", { features: 100, trees: 40 }, "walk slots"],
  ["symmetric trees", { symmetric: true, leaves: 64 }, "symmetric symmetric"],
] as const)(
  "%s run by the same kernels on every machine: the rules read shapes alone",
  (_, shape, expected) => {
    const choice = chooseKernels(createRandomEnsemble(createSeededRandom(1), { ...plain, ...shape }));
    expect(choice.status === "chosen" && `${choice.kernels.row} ${choice.kernels.bulk}`).toBe(expected);
  },
);

const one = createRandomEnsemble(createSeededRandom(5), {
  ...plain,
  trees: 1,
  leaves: 3,
  width: 2,
  weights: "all",
});
const [tree] = one.trees;
const withTree = (change: Partial<Tree>): TreeEnsemble => ({
  ...one,
  trees: tree ? [{ ...tree, ...change }] : [],
});
test.each([
  [
    "a threshold that is not a number",
    withTree({ threshold: Float32Array.of(Number.NaN, 1) }),
    /not a number/,
  ],
  [
    "a weight that is not finite",
    withTree({ leafWeight: new Float32Array(6).fill(Number.POSITIVE_INFINITY) }),
    /weight is not finite/,
  ],
  [
    "a base value that is not finite",
    { ...one, base: Float32Array.of(0, Number.NaN) },
    /base value is not finite/,
  ],
  ["two weights of a leaf for one target", withTree({ leafTarget: new Int32Array(6) }), /one target twice/],
  [
    "a target that does not exist",
    withTree({ leafTarget: Int32Array.of(0, 1, 0, 1, 0, 2) }),
    /target that does not exist/,
  ],
  [
    "a feature that does not exist",
    withTree({ feature: Int32Array.of(0, 20) }),
    /feature that does not exist/,
  ],
  [
    "a node with two parents",
    withTree({ yes: Int32Array.of(1, ~0), no: Int32Array.of(1, ~1) }),
    /two parents/,
  ],
  ["a node below itself", withTree({ yes: Int32Array.of(0, ~0), no: Int32Array.of(1, ~1) }), /two parents/],
  ["an unknown mode", withTree({ mode: Uint8Array.of(0, 7) }), /unknown mode/],
  [
    "a set that does not exist",
    withTree({ mode: Uint8Array.of(0, 6), threshold: Float32Array.of(0, 1) }),
    /no set/,
  ],
  ["no tree", { ...one, trees: [] }, /trees, or none/],
  ["more targets than the limit", { ...one, width: 1_025 }, /targets/],
] as const)("%s is refused with the reason", (_, ensemble, reason) => {
  expect(chooseKernels(ensemble)).toEqual({ status: "refused", reason: expect.stringMatching(reason) });
  expect(() => layOutEnsemble(ensemble)).toThrow(expect.objectContaining({ name: "EnsembleRefused" }));
});

test("the same ensemble gives the same bytes", () => {
  const create = () =>
    createRandomEnsemble(createSeededRandom(3), { ...plain, modes: nodeModes, missing: "mixed" });
  expect(layOutEnsemble(create())).toEqual(layOutEnsemble(create()));
});
