import { type Chance, createChance } from "../chance.ts";
import {
  type Attribute,
  floatType,
  int64Type,
  type Node,
  stringType,
  uint8Type,
  type Value,
  writeOnnx,
} from "../onnx/write-onnx.ts";

/** A graph of one tree operator as ONNX bytes, and what a row of it can look like. */
export type RandomTreeGraph = {
  readonly onnx: Uint8Array;
  readonly input: { readonly name: string; readonly type: "float32" | "int64"; readonly width: number };
  readonly outputs: readonly string[];
  /** The values that each feature is compared with. */
  readonly thresholds: readonly (readonly number[])[];
  /** For a message: the operator and what is chosen for it. */
  readonly description: string;
};

type Random = () => number;
const round = Math.fround;
const special = [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** -149, 3.4028234663852886e38];
const transformNames = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];
const modeNames = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];
const equal = 4;
const member = 6;

const createThresholds = (chance: Chance, features: number): readonly (readonly number[])[] =>
  Array.from({ length: features }, () => {
    const isWhole = chance.share(0.4);
    return Array.from({ length: chance.between(1, 12) }, () => {
      if (chance.share(0.04)) return chance.one(special);
      return isWhole ? chance.between(-3, 34) : round((chance.random() - 0.5) * 10 ** chance.below(6));
    });
  });

type TreeNode =
  | { readonly leaf: readonly (readonly [target: number, weight: number])[] }
  | {
      readonly feature: number;
      /** ONNX's number. */
      readonly mode: number;
      readonly threshold: number;
      readonly set: readonly number[];
      readonly missing: boolean;
      readonly yes: TreeNode;
      readonly no: TreeNode;
    };

type TreeShape = {
  readonly chance: Chance;
  readonly thresholds: readonly (readonly number[])[];
  readonly modes: readonly number[];
  readonly missing: number;
  readonly leaves: number;
  createLeaf(): Extract<TreeNode, { leaf: unknown }>["leaf"];
};

/** Mostly sets that onnxruntime keeps as bits; now and then a large one, with negative or large members. */
const createSet = (chance: Chance, own: readonly number[]): readonly number[] => {
  const isWide = chance.share(0.05);
  const [least, most] = isWide ? [-40, 90] : [0, 30];
  const known = own.filter((value) => Number.isInteger(value) && value >= least && value <= most);
  return Array.from({ length: chance.between(1, isWide ? 60 : 6) }, () =>
    known.length > 0 && chance.share(0.7) ? chance.one(known) : chance.between(least, most),
  );
};

const createTree = (shape: TreeShape, leaves = shape.leaves): TreeNode => {
  const { chance, thresholds, modes, missing } = shape;
  if (leaves <= 1) return { leaf: shape.createLeaf() };
  const feature = chance.below(thresholds.length);
  const mode = chance.one(modes);
  const left = chance.between(1, leaves - 1);
  const own = thresholds[feature] ?? [];
  return {
    feature,
    mode,
    threshold: chance.one(own),
    set: mode === member ? createSet(chance, own) : [],
    missing: chance.share(missing),
    yes: createTree(shape, left),
    no: createTree(shape, leaves - left),
  };
};

const createWeight = (chance: Chance, isPositive: boolean): number => {
  const weight = chance.share(0.05) ? 0 : (chance.random() - 0.5) * 2;
  return round(isPositive ? Math.abs(weight) : weight);
};

/** The lists of TreeEnsembleClassifier and TreeEnsembleRegressor; a tree's root is listed first, the rest in any order. */
const listNodes = (chance: Chance, trees: readonly TreeNode[], prefix: "class" | "target"): Attribute[] => {
  type Listed = { node: TreeNode; id: number; tree: number; yes: number; no: number };
  const listed: Listed[] = [];
  for (const [tree, root] of trees.entries()) {
    const own: Listed[] = [];
    const add = (node: TreeNode): number => {
      const entry: Listed = { node, id: own.length, tree, yes: 0, no: 0 };
      own.push(entry);
      if ("leaf" in node) return entry.id;
      if (node.mode !== member) {
        entry.yes = add(node.yes);
        entry.no = add(node.no);
        return entry.id;
      }
      // A set is a chain of questions with one "yes" side, as LightGBM's exporter writes it.
      const chain = [entry];
      const [first = 0, ...others] = node.set;
      entry.node = { ...node, mode: equal, threshold: first };
      for (const threshold of others) {
        const next: Listed = {
          node: { ...node, mode: equal, threshold },
          id: own.length,
          tree,
          yes: 0,
          no: 0,
        };
        own.push(next);
        chain.push(next);
      }
      const yes = add(node.yes);
      const no = add(node.no);
      for (const [index, each] of chain.entries()) {
        each.yes = yes;
        each.no = chain[index + 1]?.id ?? no;
      }
      return entry.id;
    };
    add(root);
    const [first, ...others] = own;
    if (first === undefined) continue;
    if (chance.share(0.3)) others.sort(() => chance.random() - 0.5);
    listed.push(first, ...others);
  }
  const weights = listed.flatMap(({ node, id, tree }) =>
    "leaf" in node ? node.leaf.map(([target, weight]) => ({ target, weight, id, tree })) : [],
  );
  const ints = (name: string, list: readonly number[]): Attribute => ({ name, ints: list });
  const inner = <T>(read: (node: Extract<TreeNode, { yes: unknown }>) => T, leaf: T) =>
    listed.map(({ node }) => ("yes" in node ? read(node) : leaf));
  const missing = inner((node) => (node.missing ? 1 : 0), 0);
  return [
    ints(
      "nodes_nodeids",
      listed.map(({ id }) => id),
    ),
    ints(
      "nodes_treeids",
      listed.map(({ tree }) => tree),
    ),
    ints(
      "nodes_featureids",
      inner((node) => node.feature, 0),
    ),
    ints(
      "nodes_truenodeids",
      listed.map(({ yes }) => yes),
    ),
    ints(
      "nodes_falsenodeids",
      listed.map(({ no }) => no),
    ),
    ...(missing.includes(1) || chance.share(0.5) ? [ints("nodes_missing_value_tracks_true", missing)] : []),
    { name: "nodes_modes", strings: inner((node) => modeNames[node.mode] ?? "", "LEAF") },
    { name: "nodes_values", floats: inner((node) => node.threshold, 0) },
    ints(
      `${prefix}_ids`,
      weights.map(({ target }) => target),
    ),
    ints(
      `${prefix}_nodeids`,
      weights.map(({ id }) => id),
    ),
    ints(
      `${prefix}_treeids`,
      weights.map(({ tree }) => tree),
    ),
    { name: `${prefix}_weights`, floats: weights.map(({ weight }) => weight) },
  ];
};

/** The lists of TreeEnsemble (ai.onnx.ml 5). A tree of one leaf is a node whose two sides are that leaf. */
const listVersionFive = (chance: Chance, trees: readonly TreeNode[]): Attribute[] => {
  type Inner = Extract<TreeNode, { yes: unknown }>;
  const nodes: { node: Inner; yes: number; no: number }[] = [];
  const leaves: (readonly [number, number])[] = [];
  const add = (node: TreeNode): number => {
    if ("leaf" in node) return leaves.push(node.leaf[0] ?? [0, 0]) - 1;
    const entry = { node, yes: 0, no: 0 };
    const index = nodes.push(entry) - 1;
    entry.yes = add(node.yes);
    entry.no = add(node.no);
    return index;
  };
  const roots = trees.map(add);
  const ints = (name: string, list: readonly number[]): Attribute => ({ name, ints: list });
  const floats = (name: string, list: readonly number[]): Attribute => ({
    name,
    tensor: { type: floatType, dims: [list.length], float: list },
  });
  const sets = nodes.flatMap(({ node }) => (node.mode === member ? [...node.set, Number.NaN] : []));
  const missing = nodes.map(({ node }) => (node.missing ? 1 : 0));
  return [
    ints("tree_roots", roots),
    ints(
      "nodes_featureids",
      nodes.map(({ node }) => node.feature),
    ),
    ints(
      "nodes_truenodeids",
      nodes.map(({ yes }) => yes),
    ),
    ints(
      "nodes_falsenodeids",
      nodes.map(({ no }) => no),
    ),
    ints(
      "nodes_trueleafs",
      nodes.map(({ node }) => ("leaf" in node.yes ? 1 : 0)),
    ),
    ints(
      "nodes_falseleafs",
      nodes.map(({ node }) => ("leaf" in node.no ? 1 : 0)),
    ),
    ...(missing.includes(1) || chance.share(0.5) ? [ints("nodes_missing_value_tracks_true", missing)] : []),
    {
      name: "nodes_modes",
      tensor: { type: uint8Type, dims: [nodes.length], int32: nodes.map(({ node }) => node.mode) },
    },
    floats(
      "nodes_splits",
      nodes.map(({ node }) => (node.mode === member ? 0 : node.threshold)),
    ),
    ...(sets.length === 0 ? [] : [floats("membership_values", sets)]),
    ints(
      "leaf_targetids",
      leaves.map(([target]) => target),
    ),
    floats(
      "leaf_weights",
      leaves.map(([, weight]) => weight),
    ),
  ];
};

type Parts = {
  readonly chance: Chance;
  readonly thresholds: readonly (readonly number[])[];
  readonly trees: number;
  readonly leaves: number;
  readonly modes: readonly number[];
  readonly missing: number;
};

const growTrees = (
  parts: Parts,
  createLeaf: (tree: number) => TreeShape["createLeaf"],
): readonly TreeNode[] =>
  Array.from({ length: parts.trees }, (_, tree) => {
    const leaves = parts.chance.between(parts.chance.share(0.1) ? 1 : 2, parts.leaves);
    return createTree({ ...parts, leaves, createLeaf: createLeaf(tree) });
  });

type Made = { readonly node: Node; readonly outputs: readonly Value[]; readonly words: readonly unknown[] };

const createRegressor = (parts: Parts): Made => {
  const { chance } = parts;
  const width = chance.share(0.5) ? 1 : chance.between(2, 5);
  const aggregate = chance.one(["SUM", "AVERAGE", "MIN", "MAX"]);
  const transform = chance.share(0.5) ? "NONE" : chance.one(transformNames);
  const kind = width === 1 ? "all" : chance.one(["all", "any", "tree"]);
  const trees = growTrees(parts, (tree) => () => {
    const target = kind === "tree" ? tree % width : chance.below(width);
    const targets = kind === "all" ? Array.from({ length: width }, (_, index) => index) : [target];
    return targets.map((each) => [each, createWeight(chance, false)] as const);
  });
  const base = chance.share(0.5) ? Array.from({ length: width }, () => createWeight(chance, false)) : [];
  return {
    words: ["regressor", width, aggregate, transform, kind, base.length],
    node: {
      op: "TreeEnsembleRegressor",
      domain: "ai.onnx.ml",
      inputs: ["x"],
      outputs: ["y"],
      attributes: [
        { name: "n_targets", int: width },
        { name: "aggregate_function", string: aggregate },
        { name: "post_transform", string: transform },
        ...(base.length > 0 ? [{ name: "base_values", floats: base }] : []),
        ...listNodes(chance, trees, "target"),
      ],
    },
    outputs: [{ name: "y", type: floatType, shape: ["rows", width] }],
  };
};

const createClassifier = (parts: Parts): Made => {
  const { chance } = parts;
  const classes = chance.share(0.5) ? 2 : chance.between(3, 5);
  const transform = chance.one(transformNames);
  const isPositive = chance.share(0.5);
  const kind = chance.one(classes === 2 ? ["first", "second", "all"] : ["all", "tree", "any"]);
  const trees = growTrees(parts, (tree) => () => {
    const chosen =
      { first: 0, second: 1, tree: tree % classes, any: chance.below(classes), all: 0 }[kind] ?? 0;
    const targets = kind === "all" ? Array.from({ length: classes }, (_, index) => index) : [chosen];
    return targets.map((each) => [each, createWeight(chance, isPositive)] as const);
  });
  const sizes = classes === 2 ? [0, 1, 2] : [0, classes];
  const base = Array.from({ length: chance.one(sizes) }, () => createWeight(chance, false));
  const isText = chance.share(0.5);
  const names = Array.from({ length: classes }, (_, index) => index);
  const labels: Attribute = isText
    ? { name: "classlabels_strings", strings: names.map((index) => `label ${index}`) }
    : { name: "classlabels_int64s", ints: chance.share(0.5) ? names : names.map((index) => 7 - 5 * index) };
  return {
    words: [
      "classifier",
      classes,
      transform,
      kind,
      isPositive ? "positive" : "mixed",
      base.length,
      labels.name,
    ],
    node: {
      op: "TreeEnsembleClassifier",
      domain: "ai.onnx.ml",
      inputs: ["x"],
      outputs: ["label", "scores"],
      attributes: [
        labels,
        { name: "post_transform", string: transform },
        ...(base.length > 0 ? [{ name: "base_values", floats: base }] : []),
        ...listNodes(chance, trees, "class"),
      ],
    },
    outputs: [
      { name: "label", type: isText ? stringType : int64Type, shape: ["rows"] },
      { name: "scores", type: floatType, shape: ["rows", classes] },
    ],
  };
};

const createVersionFive = (parts: Parts): Made => {
  const { chance } = parts;
  const width = chance.share(0.5) ? 1 : chance.between(2, 4);
  const aggregate = chance.below(4);
  const transform = chance.share(0.5) ? 0 : chance.below(transformNames.length);
  const trees = growTrees({ ...parts, leaves: Math.max(2, parts.leaves) }, () => () => [
    [chance.below(width), createWeight(chance, false)],
  ]).map((tree): TreeNode => {
    if ("yes" in tree) return tree;
    // The format has no tree of one leaf but this.
    return { feature: 0, mode: 0, threshold: 0, set: [], missing: false, yes: tree, no: tree };
  });
  return {
    words: ["version 5", width, aggregate, transform],
    node: {
      op: "TreeEnsemble",
      domain: "ai.onnx.ml",
      inputs: ["x"],
      outputs: ["y"],
      attributes: [
        { name: "n_targets", int: width },
        { name: "aggregate_function", int: aggregate },
        { name: "post_transform", int: transform },
        ...listVersionFive(chance, trees),
      ],
    },
    outputs: [{ name: "y", type: floatType, shape: ["rows", width] }],
  };
};

/**
 * Creates a graph of one tree operator: all modes alone and mixed, aggregates, transforms, base values, missing values, sets,
 * numbers of classes and of targets, and the ways in which two classes have weights. Some of these graphs are beyond the
 * compiler's rules, none beyond onnxruntime's.
 */
export const createRandomTreeGraph = (
  random: Random,
  { leaves }: { readonly leaves?: number | undefined } = {},
): RandomTreeGraph => {
  const chance = createChance(random);
  const kind = chance.one(["regressor", "classifier", "classifier", "version 5"]);
  const thresholds = createThresholds(chance, chance.between(1, 9));
  const allModes = modeNames.map((_, index) => index);
  const choices = [...allModes, member, member];
  const modes = chance.share(0.5)
    ? [chance.one(choices)]
    : [chance.one(choices), chance.one(choices), chance.one(choices)];
  // Trees of thousands of leaves have a kernel of their own for blocks.
  const isLarge = leaves !== undefined || chance.share(0.03);
  const parts: Parts = {
    chance,
    thresholds,
    trees: chance.between(1, isLarge ? 3 : chance.share(0.1) ? 90 : 12),
    leaves: isLarge
      ? (leaves ?? chance.between(4_000, 8_000))
      : chance.between(1, chance.share(0.1) ? 300 : 24),
    modes,
    missing: chance.one([0, 0, 0.5, 1]),
  };
  const { node, outputs, words } =
    kind === "regressor"
      ? createRegressor(parts)
      : kind === "classifier"
        ? createClassifier(parts)
        : createVersionFive(parts);
  // onnxruntime has the classifier for integers, no other.
  const isInteger = kind === "classifier" && chance.share(0.1);
  return {
    onnx: writeOnnx({
      graph: {
        nodes: [node],
        inputs: [{ name: "x", type: isInteger ? int64Type : floatType, shape: ["rows", thresholds.length] }],
        outputs,
      },
      opsets: { "": 17, "ai.onnx.ml": kind === "version 5" ? 5 : 3 },
    }),
    input: { name: "x", type: isInteger ? "int64" : "float32", width: thresholds.length },
    outputs: outputs.map(({ name }) => name),
    thresholds,
    description: JSON.stringify({
      words,
      modes,
      missing: parts.missing,
      trees: parts.trees,
      leaves: parts.leaves,
    }),
  };
};
