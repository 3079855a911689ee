import { type Chance, createChance } from "../chance.ts";
import {
  type Attribute,
  floatType,
  int64Type,
  type Node,
  stringType,
  type Value,
  writeOnnx,
} from "../onnx/write-onnx.ts";

/** A linear model or a small network as ONNX bytes. */
export type RandomDenseGraph = {
  readonly onnx: Uint8Array;
  readonly width: number;
  readonly outputs: readonly string[];
  /** The output with the label, if it has one. */
  readonly label: string | undefined;
  readonly description: string;
};

type Random = () => number;
type Tensor = { readonly name: string; readonly type: number; readonly dims: readonly number[] } & {
  readonly float: readonly number[];
};
type Parts = { readonly nodes: Node[]; readonly tensors: Tensor[]; readonly outputs: Value[] };

const round = Math.fround;
/** Weights of one kind: normal ones, small integers (equal sums are frequent), alternating signs in blocks, many zeros. */
const createWeights = (chance: Chance, count: number, scale: number): readonly number[] => {
  const kind = chance.one(["plain", "plain", "plain", "whole", "blocks", "sparse"]);
  return Array.from({ length: count }, (_, index) => {
    const plain = (chance.random() + chance.random() - 1) * scale;
    if (kind === "whole") return chance.between(-2, 2);
    if (kind === "blocks") return round(Math.abs(plain) * (index % count < count / 2 ? 1 : -1));
    return kind === "sparse" && chance.share(0.6) ? 0 : round(plain);
  });
};
const floats = (name: string, list: readonly number[]): Attribute => ({ name, floats: list });

const addScaler = (chance: Chance, width: number, { nodes }: Parts): string => {
  if (chance.share(0.6)) return "x";
  nodes.push({
    op: "Scaler",
    domain: "ai.onnx.ml",
    inputs: ["x"],
    outputs: ["scaled"],
    attributes: [
      floats("offset", createWeights(chance, width, 2)),
      floats("scale", createWeights(chance, width, 1)),
    ],
  });
  return "scaled";
};

const addClassifier = (chance: Chance, width: number, parts: Parts): readonly unknown[] => {
  const { nodes, outputs } = parts;
  const classes = chance.share(0.6) ? 2 : chance.between(3, 5);
  const transform = chance.one(["NONE", "LOGISTIC", "SOFTMAX"]);
  const isOpposite = classes === 2 && chance.share(0.7);
  const first = createWeights(chance, width, 4 / Math.sqrt(width));
  const bias = round(chance.random() - 0.5);
  const weights = isOpposite
    ? [...first, ...first.map((each) => -each)]
    : createWeights(chance, width * classes, 4 / Math.sqrt(width));
  const isText = chance.share(0.5);
  const names = Array.from({ length: classes }, (_, index) => index);
  const hasNormalizer = transform === "SOFTMAX" || (transform === "LOGISTIC" && isOpposite);
  nodes.push({
    op: "LinearClassifier",
    domain: "ai.onnx.ml",
    inputs: [addScaler(chance, width, parts)],
    outputs: ["label", hasNormalizer ? "raw" : "scores"],
    attributes: [
      floats("coefficients", weights),
      floats("intercepts", isOpposite ? [bias, -bias] : createWeights(chance, classes, 1)),
      { name: "post_transform", string: transform },
      { name: "multi_class", int: classes > 2 ? 1 : 0 },
      isText
        ? { name: "classlabels_strings", strings: names.map((index) => `label ${index}`) }
        : { name: "classlabels_ints", ints: names.map((index) => 7 - 5 * index) },
    ],
  });
  if (hasNormalizer)
    nodes.push({
      op: "Normalizer",
      domain: "ai.onnx.ml",
      inputs: ["raw"],
      outputs: ["scores"],
      attributes: [{ name: "norm", string: "L1" }],
    });
  outputs.push(
    { name: "label", type: isText ? stringType : int64Type, shape: ["rows"] },
    { name: "scores", type: floatType, shape: ["rows", classes] },
  );
  return ["classifier", classes, transform, isOpposite];
};

const addRegressor = (chance: Chance, width: number, parts: Parts): readonly unknown[] => {
  const targets = chance.share(0.7) ? 1 : chance.between(2, 4);
  parts.nodes.push({
    op: "LinearRegressor",
    domain: "ai.onnx.ml",
    inputs: [addScaler(chance, width, parts)],
    outputs: ["y"],
    attributes: [
      floats("coefficients", createWeights(chance, width * targets, chance.one([0.3, 1, 30]))),
      ...(chance.share(0.8) ? [floats("intercepts", createWeights(chance, targets, 5))] : []),
      { name: "targets", int: targets },
    ],
  });
  parts.outputs.push({ name: "y", type: floatType, shape: ["rows", targets] });
  return ["regressor", targets];
};

/** Layers of one or two hidden ones, as MatMul and Add or as Gemm, with a label behind them or not. */
const addNetwork = (chance: Chance, width: number, parts: Parts): readonly unknown[] => {
  const { nodes, tensors, outputs } = parts;
  const last = chance.between(1, 4);
  const sizes = [width, ...Array.from({ length: chance.between(0, 2) }, () => chance.between(2, 6)), last];
  const activation = chance.one(["Tanh", "Sigmoid"]);
  let input = addScaler(chance, width, parts);
  for (const [layer, size] of sizes.slice(1).entries()) {
    const before = sizes[layer] ?? 0;
    const [weights, bias, sums] = [`w${layer}`, `b${layer}`, `s${layer}`];
    const isTransposed = chance.share(0.5);
    const isGemm = isTransposed || chance.share(0.3);
    tensors.push(
      {
        name: weights,
        type: floatType,
        dims: isTransposed ? [size, before] : [before, size],
        float: createWeights(chance, size * before, 3 / Math.sqrt(before)),
      },
      { name: bias, type: floatType, dims: [size], float: createWeights(chance, size, 1) },
    );
    if (isGemm)
      nodes.push({
        op: "Gemm",
        inputs: [input, weights, bias],
        outputs: [sums],
        attributes: [
          { name: "transB", int: isTransposed ? 1 : 0 },
          { name: "alpha", float: chance.share(0.8) ? 1 : 0.5 },
        ],
      });
    else
      nodes.push(
        { op: "MatMul", inputs: [input, weights], outputs: [`m${layer}`] },
        { op: "Add", inputs: chance.share(0.5) ? [`m${layer}`, bias] : [bias, `m${layer}`], outputs: [sums] },
      );
    input = sums;
    if (layer < sizes.length - 2) {
      input = `h${layer}`;
      nodes.push({ op: activation, inputs: [sums], outputs: [input] });
    }
  }
  const end = chance.one(["Identity", last > 1 ? "Softmax" : "Sigmoid", "Sigmoid", "Tanh"]);
  nodes.push({ op: end, inputs: [input], outputs: ["y"] });
  outputs.push({ name: "y", type: floatType, shape: ["rows", last] });
  if (last > 1) {
    const from = chance.share(0.5) ? "y" : input;
    nodes.push({
      op: "ArgMax",
      inputs: [from],
      outputs: ["label"],
      attributes: [
        { name: "axis", int: 1 },
        { name: "keepdims", int: 0 },
      ],
    });
    outputs.push({ name: "label", type: int64Type, shape: ["rows"] });
  }
  return ["network", sizes, activation, end];
};

/** Creates a linear classifier, a linear regressor or a small network, with a scaler in front of it or not. */
export const createRandomDenseGraph = (random: Random): RandomDenseGraph => {
  const chance = createChance(random);
  const width = chance.share(0.1) ? chance.between(20, 60) : chance.between(1, 12);
  const parts: Parts = { nodes: [], tensors: [], outputs: [] };
  const add = chance.one([addClassifier, addClassifier, addRegressor, addNetwork]);
  const words = add(chance, add === addNetwork ? Math.min(width, 12) : width, parts);
  const inputWidth = add === addNetwork ? Math.min(width, 12) : width;
  const { nodes, tensors, outputs } = parts;
  return {
    onnx: writeOnnx({
      graph: {
        nodes,
        initializers: tensors,
        inputs: [{ name: "x", type: floatType, shape: ["rows", inputWidth] }],
        outputs,
      },
      opsets: { "": 17, "ai.onnx.ml": 3 },
    }),
    width: inputWidth,
    outputs: outputs.map(({ name }) => name),
    label: outputs.find(({ name }) => name === "label")?.name,
    description: JSON.stringify({ words, width: inputWidth }),
  };
};

/** Rows of one scale each: normal numbers, small integers, zeros, and now and then a number that is none. */
export const createDenseRows = (random: Random, width: number, rows: number): Float32Array => {
  const data = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const kind = random();
    const scale = kind < 0.7 ? 2 : kind < 0.8 ? 100 : 0.01;
    for (let column = 0; column < width; column++) {
      const plain = (random() + random() + random() - 1.5) * scale;
      data[row * width + column] = kind > 0.92 ? Math.round(plain * 200) : plain;
      if (random() < 0.02) data[row * width + column] = 0;
      if (random() < 0.0005) data[row * width + column] = Number.NaN;
    }
  }
  return data;
};
