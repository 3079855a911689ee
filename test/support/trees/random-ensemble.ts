import { nodeModes, type Tree, type TreeEnsemble } from "#inference/model/compiled/tree-ensemble.ts";

/** What a random ensemble looks like; the rest is chance. */
export type EnsembleShape = {
  readonly features: number;
  readonly trees: number;
  readonly leaves: number;
  /** Leaves are split in order ("level"), at random ("random"), or one leaf again and again ("chain"). */
  readonly growth: "level" | "random" | "chain";
  /** All nodes of a level ask the same. */
  readonly symmetric: boolean;
  readonly modes: readonly (typeof nodeModes)[number][];
  /** Thresholds come from this many values per feature. */
  readonly thresholds: number;
  readonly missing: "no" | "yes" | "mixed";
  readonly width: number;
  /** `opposite`: of two targets the first has the negative of the second's weight. */
  readonly weights: "one" | "per tree" | "any" | "all" | "opposite";
  readonly aggregate: TreeEnsemble["aggregate"];
};

const special = [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** -149, 3.4028234663852886e38];

/** Candidate thresholds of each feature: small numbers, wide ones, and now and then a special one. */
const createThresholds = (random: () => number, { features, thresholds }: EnsembleShape) =>
  Array.from({ length: features }, () =>
    Float32Array.from({ length: thresholds }, () => {
      const kind = random();
      if (kind < 0.05) return special[Math.floor(random() * special.length)] ?? 0;
      return kind < 0.5 ? Math.round(random() * 10) - 5 : (random() - 0.5) * 10 ** Math.floor(random() * 6);
    }),
  );

type Question = {
  readonly feature: number;
  readonly mode: number;
  readonly threshold: number;
  readonly missing: number;
};
type Needs = {
  readonly random: () => number;
  readonly shape: EnsembleShape;
  readonly candidates: readonly Float32Array[];
};

const createTree = ({ random, shape, candidates }: Needs, treeIndex: number): Tree => {
  const pick = (count: number) => Math.floor(random() * count);
  const sets: Float32Array[] = [];
  const ask = (): Question => {
    const feature = pick(shape.features);
    const values = candidates[feature] ?? new Float32Array();
    const mode = shape.modes[pick(shape.modes.length)] ?? "<=";
    if (mode === "member")
      sets.push(Float32Array.from({ length: 1 + pick(6) }, () => values[pick(values.length)] ?? 0));
    return {
      feature,
      mode: nodeModes.indexOf(mode),
      threshold: mode === "member" ? sets.length - 1 : (values[pick(values.length)] ?? 0),
      missing: shape.missing === "mixed" ? pick(2) : Number(shape.missing === "yes"),
    };
  };
  const nodes: Question[] = [];
  const yes: number[] = [];
  const no: number[] = [];
  const levels = new Map<number, Question>();
  const askOnLevel = (level: number): Question => {
    if (!shape.symmetric) return ask();
    const known = levels.get(level) ?? ask();
    levels.set(level, known);
    return known;
  };
  let root = ~0;
  let leaves = 1;
  /** Open leaves with the place that points to each, and its level. */
  const open: { place: { list: number[]; index: number } | undefined; leaf: number; level: number }[] = [
    { place: undefined, leaf: 0, level: 0 },
  ];
  while (leaves < shape.leaves) {
    const at = shape.growth === "level" ? 0 : shape.growth === "chain" ? open.length - 1 : pick(open.length);
    const [split] = open.splice(at, 1);
    if (!split) break;
    const node = nodes.length;
    nodes.push(askOnLevel(split.level));
    if (split.place) split.place.list[split.place.index] = node;
    else root = node;
    const flip = pick(2) === 1 && !shape.symmetric;
    yes.push(flip ? ~leaves : ~split.leaf);
    no.push(flip ? ~split.leaf : ~leaves);
    const level = split.level + 1;
    open.push({ place: { list: flip ? no : yes, index: node }, leaf: split.leaf, level });
    open.push({ place: { list: flip ? yes : no, index: node }, leaf: leaves, level });
    leaves++;
  }
  const leafStart = [0];
  const leafTarget: number[] = [];
  for (let leaf = 0; leaf < leaves; leaf++) {
    const all = Array.from({ length: shape.width }, (_, target) => target);
    if (shape.weights === "one") leafTarget.push(0);
    else if (shape.weights === "per tree") leafTarget.push(treeIndex % shape.width);
    else if (shape.weights === "all" || shape.weights === "opposite") leafTarget.push(...all);
    else leafTarget.push(...all.filter(() => random() < 0.5));
    leafStart.push(leafTarget.length);
  }
  const leafWeight = Float32Array.from(leafTarget, () => (random() - 0.5) * 4);
  return {
    root,
    feature: Int32Array.from(nodes, ({ feature }) => feature),
    mode: Uint8Array.from(nodes, ({ mode }) => mode),
    threshold: Float32Array.from(nodes, ({ threshold }) => threshold),
    missingIsYes: Uint8Array.from(nodes, ({ missing }) => missing),
    yes: Int32Array.from(yes),
    no: Int32Array.from(no),
    sets,
    leafStart: Int32Array.from(leafStart),
    leafTarget: Int32Array.from(leafTarget),
    leafWeight:
      shape.weights === "opposite"
        ? leafWeight.map((weight, k) => (leafTarget[k] === 0 ? -(leafWeight[k + 1] ?? 0) : weight))
        : leafWeight,
  };
};

/** An ensemble of a shape; the same random numbers give the same ensemble. */
export const createRandomEnsemble = (random: () => number, shape: EnsembleShape): TreeEnsemble => {
  const candidates = createThresholds(random, shape);
  return {
    featureCount: shape.features,
    width: shape.width,
    trees: Array.from({ length: shape.trees }, (_, index) =>
      createTree({ random, shape, candidates }, index),
    ),
    aggregate: shape.aggregate,
    base: Float32Array.from({ length: shape.width }, () => (random() < 0.5 ? 0 : random())),
  };
};

/** A shape by chance, with at most about `nodes` inner nodes. */
export const createRandomShape = (random: () => number, nodes: number): EnsembleShape => {
  const choose = <T>(values: readonly [T, ...T[]]): T =>
    values[Math.floor(random() * values.length)] ?? values[0];
  const symmetric = random() < 0.2;
  const leaves = symmetric
    ? 2 ** choose([0, 1, 2, 3, 5, 6, 8])
    : choose([1, 2, 3, 8, 20, 40, 64, 100, 255, 256, 300, 700]);
  const width = choose([1, 1, 1, 2, 3, 5]);
  return {
    features: choose([1, 2, 5, 16, 20, 40, 70, 300]),
    trees: Math.max(1, Math.min(choose([1, 2, 3, 5, 17, 33, 100]), Math.floor(nodes / leaves))),
    leaves,
    growth: symmetric ? "level" : choose(["level", "random", "chain"]),
    symmetric,
    modes: choose([["<="], ["<"], ["<=", "<", ">=", ">"], ["==", "!="], ["<=", "==", "member"], nodeModes]),
    thresholds: choose([1, 3, 12, 60, 400]),
    missing: choose(["no", "yes", "mixed"]),
    width,
    weights:
      width === 1
        ? choose(["one", "one", "any"])
        : choose(width === 2 ? ["opposite", "all"] : ["per tree", "any", "all"]),
    aggregate: choose(["sum", "sum", "sum", "average", "minimum", "maximum"]),
  };
};
