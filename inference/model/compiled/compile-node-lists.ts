import type { WholeNode } from "#model-folder/onnx/read-graph.ts";
import type { CompileOperator, OperatorContext } from "./compile-operator.ts";
import type { ClassRule, StepIndex, Transform } from "./compiled-graph.ts";
import { NotCompiled } from "./not-compiled.ts";
import { type Attributes, readAttributes } from "./read-attributes.ts";
import { readNodeLists } from "./read-node-lists.ts";
import type { RowTensor } from "./row-tensor.ts";
import { toScalar } from "./scalars.ts";
import type { Tree, TreeEnsemble } from "./tree-ensemble.ts";

/** What the kernel's layout holds. */
const maxFeatures = 65_536;
export const maxWidth = 1_024;

const nodeAttributes = [
  "nodes_nodeids",
  "nodes_treeids",
  "nodes_featureids",
  "nodes_truenodeids",
  "nodes_falsenodeids",
  "nodes_missing_value_tracks_true",
  "nodes_modes",
  "nodes_values",
  "nodes_hitrates",
  "base_values",
  "post_transform",
];

const transformsByName: ReadonlyMap<string, Transform> = new Map([
  ["NONE", "none"],
  ["LOGISTIC", "logistic"],
  ["SOFTMAX", "softmax"],
  ["SOFTMAX_ZERO", "softmax-zero"],
]);
/** PROBIT is left to onnxruntime: its formula turns the last bit of a logarithm, which differs between machines, into 3e-6. */
const readTransform = (attributes: Attributes, operator: string): Transform => {
  const name = attributes.string("post_transform") ?? "NONE";
  const transform = transformsByName.get(name);
  if (transform === undefined) throw new NotCompiled(`${operator} has the transform ${name}`);
  return transform;
};

/** The columns that the trees ask for, as float32. Trees compare integers after a conversion to float32, as onnxruntime does. */
export const readFeatures = (
  { operator }: WholeNode,
  { builder, rows }: OperatorContext,
): readonly StepIndex[] => {
  const input = rows(0);
  if (input.dims.length !== 2 || input.dims[0] !== "rows")
    throw new NotCompiled(`${operator} takes features that are no matrix of one row each`);
  if (input.columns.length > maxFeatures)
    throw new NotCompiled(`${operator} takes more than ${maxFeatures} features`);
  if (input.type === "float32") return input.columns;
  if (operator !== "TreeEnsembleClassifier" || (input.type !== "int64" && input.type !== "int32"))
    throw new NotCompiled(`${operator} compares features of type ${input.type}`);
  return input.columns.map((column) => builder.add({ step: "convert", type: "float32", column }));
};

type Sums = { readonly matrix: StepIndex; readonly ensemble: TreeEnsemble };
export const addEnsemble = (
  { builder }: OperatorContext,
  features: readonly StepIndex[],
  ensemble: TreeEnsemble,
): Sums => ({
  ensemble,
  matrix: builder.add({
    step: "ensemble",
    type: "float32",
    ensemble: builder.addEnsemble(ensemble),
    width: ensemble.width,
    features,
  }),
});

const toMatrix = (columns: readonly StepIndex[]): RowTensor => ({
  kind: "rows",
  type: "float32",
  dims: ["rows", columns.length],
  columns,
});

const readBase = (attributes: Attributes, operator: string): Float32Array => {
  const base = attributes.floats("base_values") ?? new Float32Array();
  if (!base.every(Number.isFinite))
    throw new NotCompiled(`${operator} has a base value that is no finite number`);
  return base;
};

const aggregates = { SUM: "sum", AVERAGE: "average", MIN: "minimum", MAX: "maximum" } as const;
const readAggregate = (attributes: Attributes, operator: string): TreeEnsemble["aggregate"] => {
  const name = attributes.string("aggregate_function") ?? "SUM";
  for (const [key, aggregate] of Object.entries(aggregates)) if (key === name) return aggregate;
  throw new NotCompiled(`${operator} has the aggregate ${name}`);
};

/** Adds a regressor's transform, which onnxruntime ignores where there is one target. */
export const addTransform = (
  context: OperatorContext,
  { matrix, ensemble: { width } }: Sums,
  transform: Transform,
): RowTensor => {
  const { builder } = context;
  const isIgnored = transform === "none" || width === 1;
  const last = isIgnored
    ? matrix
    : builder.add({ step: "transform", type: "float32", matrix, width, transform });
  return toMatrix(builder.addParts(last, width, "float32"));
};

/** Doubles come as tensors, in version 3. */
const readFloatAttributes = (node: WholeNode): Attributes => {
  for (const name of node.attributes.keys())
    if (name.endsWith("_as_tensor")) throw new NotCompiled(`${node.operator} computes in float64 (${name})`);
  return readAttributes(node);
};

export const compileRegressor: CompileOperator = (node, context) => {
  const { operator } = node;
  const attributes = readFloatAttributes(node);
  attributes.assertOnly(
    ...nodeAttributes,
    "n_targets",
    "aggregate_function",
    "target_ids",
    "target_nodeids",
    "target_treeids",
    "target_weights",
  );
  const width = attributes.int("n_targets") ?? 0;
  if (width < 1 || width > maxWidth) throw new NotCompiled(`${operator} has ${width} targets`);
  const features = readFeatures(node, context);
  const base = readBase(attributes, operator);
  if (base.length !== 0 && base.length !== width)
    throw new NotCompiled(`${operator} has ${base.length} base values for ${width} targets`);
  const { trees, weighed } = readNodeLists(node, "target", { featureCount: features.length, width });
  const always = listAlwaysWeighed(trees);
  // onnxruntime gives a row the number 0 for a target without a weight, whatever its base value is.
  if (base.some((value, target) => value !== 0 && weighed.has(target) && !always.has(target)))
    throw new NotCompiled(`${operator} has rows that no tree gives a weight for a target with a base value`);
  const sums = addEnsemble(context, features, {
    featureCount: features.length,
    width,
    trees,
    aggregate: readAggregate(attributes, operator),
    base: Float32Array.from({ length: width }, (_, target) =>
      width === 1 || always.has(target) ? (base[target] ?? 0) : 0,
    ),
  });
  return [addTransform(context, sums, readTransform(attributes, operator))];
};

/** The targets that every leaf of some tree has a weight for. */
const listAlwaysWeighed = (trees: readonly Tree[]): ReadonlySet<number> => {
  const always = new Set<number>();
  for (const { leafStart, leafTarget } of trees) {
    const counts = new Map<number, number>();
    for (const target of leafTarget) counts.set(target, (counts.get(target) ?? 0) + 1);
    for (const [target, count] of counts) if (count === leafStart.length - 1) always.add(target);
  }
  return always;
};

/** Whether some tree has a positive weight on every leaf. */
const hasPositiveTree = (trees: readonly Tree[]): boolean =>
  trees.some(({ leafStart, leafWeight }) =>
    Array.from({ length: leafStart.length - 1 }, (_, leaf) =>
      leafWeight.subarray(leafStart[leaf], leafStart[leaf + 1]).some((weight) => weight > 0),
    ).every(Boolean),
  );

/**
 * Refuses rows that get no weight for a class where other rows do: onnxruntime then treats the class in another way than one
 * with the weight 0. With base values, or where no weight is negative and each row has a positive one, that makes no
 * difference for more than two classes.
 */
const assertSameClasses = (
  { trees, width }: TreeEnsemble,
  { weighed, base, positive }: ClassRule,
  operator: string,
): void => {
  if (width > 2 && (base.length > 0 || (positive && hasPositiveTree(trees)))) return;
  const always = listAlwaysWeighed(trees);
  for (const [target, isWeighed] of weighed.entries())
    if (isWeighed && !always.has(target))
      throw new NotCompiled(`${operator} has rows that no tree gives a weight for class ${target}`);
};

/**
 * Compiles TreeEnsembleClassifier. Source of its rules for two classes: onnxruntime,
 * core/providers/cpu/ml/tree_ensemble_aggregator.h.
 */
export const compileClassifier: CompileOperator = (node, context) => {
  const { operator } = node;
  const { builder } = context;
  const attributes = readFloatAttributes(node);
  attributes.assertOnly(
    ...nodeAttributes,
    "class_ids",
    "class_nodeids",
    "class_treeids",
    "class_weights",
    "classlabels_strings",
    "classlabels_int64s",
  );
  const texts = attributes.strings("classlabels_strings") ?? [];
  const integers = attributes.ints("classlabels_int64s") ?? [];
  const labels = texts.length > 0 ? texts : integers.map(String);
  const classes = labels.length;
  if (classes < 2 || classes > maxWidth) throw new NotCompiled(`${operator} has ${classes} classes`);
  // Where both of two classes have weights, onnxruntime's labels are 0 and 1, whatever the list says.
  const isPlain = labels.every((label, index) => label === String(index));
  const features = readFeatures(node, context);
  const { trees, weighed, weights } = readNodeLists(node, "class", {
    featureCount: features.length,
    width: classes,
  });
  if (classes === 2 && weighed.size === 2 && texts.length === 0 && !isPlain)
    throw new NotCompiled(`${operator} labels two classes with other integers than 0 and 1`);
  const base = readBase(attributes, operator);
  const transform = readTransform(attributes, operator);
  const rule: ClassRule = {
    weighed: labels.map((_, index) => weighed.has(index)),
    base: Array.from(base, toScalar),
    positive: weights.every((weight) => weight >= 0),
    transform,
  };
  assertClassRule(rule, operator);
  const ensemble: TreeEnsemble = {
    featureCount: features.length,
    width: classes,
    trees,
    aggregate: "sum",
    base: new Float32Array(classes),
  };
  assertSameClasses(ensemble, rule, operator);
  const { matrix } = addEnsemble(context, features, ensemble);
  const type = texts.length > 0 ? "string" : "int64";
  const scores = builder.add({ step: "scores", type: "float32", matrix, width: classes, rule });
  return [
    {
      kind: "rows",
      type,
      dims: ["rows"],
      columns: [builder.add({ step: "label", type, matrix, rule, labels })],
    },
    toMatrix(builder.addParts(scores, classes, "float32")),
  ];
};

/** Refuses what onnxruntime leaves undefined: a label where no class has a score, base values of no class. */
const assertClassRule = ({ weighed, base }: ClassRule, operator: string): void => {
  const classes = weighed.length;
  if (!weighed.includes(true)) throw new NotCompiled(`${operator} has no weights`);
  if (classes > 2 ? base.length !== 0 && base.length !== classes : base.length > 2)
    throw new NotCompiled(`${operator} has ${base.length} base values for ${classes} classes`);
};
