import type { StoredTensor, WholeNode } from "#model-folder/onnx/read-graph.ts";
import { assertPlainChains } from "./assert-plain-chains.ts";
import { buildTree, maxNodes, type NodeTable } from "./build-trees.ts";
import { addEnsemble, addTransform, maxWidth, readFeatures } from "./compile-node-lists.ts";
import type { CompileOperator } from "./compile-operator.ts";
import type { Transform } from "./compiled-graph.ts";
import { NotCompiled } from "./not-compiled.ts";
import { type Attributes, readAttributes } from "./read-attributes.ts";
import { pick } from "./row-tensor.ts";
import type { NodeMode, TreeEnsemble } from "./tree-ensemble.ts";

/** By ONNX's numbers. Source: https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html */
const modes: readonly NodeMode[] = ["<=", "<", ">=", ">", "==", "!=", "member"];
const aggregates: readonly TreeEnsemble["aggregate"][] = ["average", "sum", "minimum", "maximum"];
const transformNumbers: readonly Transform[] = ["none", "softmax", "logistic", "softmax-zero"];

/**
 * onnxruntime 1.30 numbers two transforms the other way round than ONNX: 1 is its logistic, 2 its softmax. It ignores all of
 * these where there is one target.
 */
const readTransform = (attributes: Attributes, width: number, operator: string): Transform => {
  const number = attributes.int("post_transform") ?? 0;
  const transform = transformNumbers[number];
  if (transform === undefined || ((number === 1 || number === 2) && width > 1))
    throw new NotCompiled(`${operator} has the transform ${number}`);
  return transform;
};

const readFloats = (tensor: StoredTensor | undefined, name: string, operator: string): Float32Array => {
  if (tensor === undefined) return new Float32Array();
  const data = tensor.read();
  if (data?.type !== "float32") throw new NotCompiled(`${operator} computes in another type (${name})`);
  return data.values;
};

/** Sets of all `member` nodes in the nodes' order, divided by NaN. */
const readSets = (values: Float32Array, kinds: Uint8Array, operator: string): readonly Float32Array[] => {
  let start = 0;
  return Array.from(kinds, (kind) => {
    if (modes[kind] !== "member") return new Float32Array();
    let end = start;
    while (end < values.length && !Number.isNaN(values[end])) end++;
    const members = new Set(values.subarray(start, end));
    start = end + 1;
    if (members.size === 0) throw new NotCompiled(`${operator} has an empty set`);
    // onnxruntime compares with other sets after it has cut the value's fraction.
    for (const each of members)
      if (!Number.isInteger(each) || each < 0 || each > 30)
        throw new NotCompiled(`${operator} has a set of other values than integers from 0 to 30`);
    return Float32Array.from(members).sort();
  });
};

const readTable = (
  { operator }: WholeNode,
  attributes: Attributes,
  { featureCount, width }: { readonly featureCount: number; readonly width: number },
): NodeTable & { readonly roots: readonly number[]; readonly count: number } => {
  const list = (name: string): readonly number[] => attributes.ints(name) ?? [];
  const kindsData = attributes.tensor("nodes_modes")?.read();
  if (kindsData?.type !== "uint8") throw new NotCompiled(`${operator} has no modes`);
  const kinds = kindsData.values;
  const splits = readFloats(attributes.tensor("nodes_splits"), "nodes_splits", operator);
  const features = list("nodes_featureids");
  const yes = list("nodes_truenodeids");
  const no = list("nodes_falsenodeids");
  const yesLeaf = list("nodes_trueleafs");
  const noLeaf = list("nodes_falseleafs");
  const missing = list("nodes_missing_value_tracks_true");
  const roots = list("tree_roots");
  const targets = list("leaf_targetids");
  const weights = readFloats(attributes.tensor("leaf_weights"), "leaf_weights", operator);
  const sets = readSets(
    readFloats(attributes.tensor("membership_values"), "membership_values", operator),
    kinds,
    operator,
  );
  const count = kinds.length;
  if (
    [splits, features, yes, no, yesLeaf, noLeaf].some(({ length }) => length !== count) ||
    (missing.length !== 0 && missing.length !== count) ||
    targets.length !== weights.length
  )
    throw new NotCompiled(`${operator} lists its nodes or leaves with different lengths`);
  if (targets.some((target) => target < 0 || target >= width))
    throw new NotCompiled(`${operator} weighs a target that it does not have`);
  if (!weights.every(Number.isFinite))
    throw new NotCompiled(`${operator} has a weight that is no finite number`);
  const find = (id: number, isLeaf: boolean): number => {
    const size = isLeaf ? targets.length : count;
    if (id < 0 || id >= size) throw new NotCompiled(`${operator} leads to a node that it does not have`);
    // Leaves are numbered after the nodes.
    return isLeaf ? count + id : id;
  };
  return {
    operator,
    featureCount,
    count,
    roots: roots.map((root) => {
      const node = find(root, false);
      if (!(yesLeaf[node] && noLeaf[node]) || yes[node] !== no[node]) return node;
      // onnxruntime takes the root's number for that of its leaf.
      if (yes[node] !== node) throw new NotCompiled(`${operator} has a tree of one leaf`);
      return find(node, true);
    }),
    mode: (node) => {
      if (node >= count) return undefined;
      const mode = modes[pick(kinds, node)];
      if (mode === undefined) throw new NotCompiled(`${operator} has a node of the mode ${kinds[node]}`);
      return mode;
    },
    feature: (node) => pick(features, node),
    threshold: (node) => pick(splits, node),
    missingIsYes: (node) => missing[node] === 1,
    yes: (node) => find(pick(yes, node), yesLeaf[node] !== 0),
    no: (node) => find(pick(no, node), noLeaf[node] !== 0),
    set: (node) => pick(sets, node),
    weights: (leaf) => [pick(targets, leaf - count), pick(weights, leaf - count)],
  };
};

/** Compiles TreeEnsemble of ai.onnx.ml 5, the successor of the classifier and the regressor. */
export const compileTreeEnsemble: CompileOperator = (node, context) => {
  const { operator } = node;
  const attributes = readAttributes(node);
  attributes.assertOnly(
    "aggregate_function",
    "leaf_targetids",
    "leaf_weights",
    "membership_values",
    "n_targets",
    "nodes_falseleafs",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_splits",
    "nodes_trueleafs",
    "nodes_truenodeids",
    "post_transform",
    "tree_roots",
  );
  if (context.rows(0).type !== "float32")
    throw new NotCompiled(`${operator} compares features of type ${context.rows(0).type}`);
  const width = attributes.int("n_targets") ?? 0;
  if (width < 1 || width > maxWidth) throw new NotCompiled(`${operator} has ${width} targets`);
  const features = readFeatures(node, context);
  const aggregate = aggregates[attributes.int("aggregate_function") ?? 1];
  const transform = readTransform(attributes, width, operator);
  if (aggregate === undefined) throw new NotCompiled(`${operator} has an aggregate that is not compiled`);
  const table = readTable(node, attributes, { featureCount: features.length, width });
  if (table.roots.length === 0) throw new NotCompiled(`${operator} has no trees`);
  const budget = { nodes: Math.min(maxNodes, 4 * table.count + 1_000) };
  const trees = table.roots.map((root) => buildTree(table, root, budget));
  assertPlainChains(trees, width, operator);
  const sums = addEnsemble(context, features, {
    featureCount: features.length,
    width,
    trees,
    aggregate,
    base: new Float32Array(width),
  });
  return [addTransform(context, sums, transform)];
};
