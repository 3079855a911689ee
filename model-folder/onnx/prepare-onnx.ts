import { PbfReader } from "pbf";
import { canLowerVersions, findVersionMismatch, type SupportedVersions } from "./compare-versions.ts";
import type { GraphConstant, GraphNode } from "./graph-node.ts";
import { inspectOnnx, type OnnxSummary } from "./inspect-onnx.ts";
import {
  type Chunks,
  joinChunks,
  listFields,
  type MessageField,
  replaceFields,
  writeField,
  writeNumber,
} from "./onnx-fields.ts";

/** A file that this platform can run, what it holds, and what changed, one sentence each. */
export type PreparedOnnx = {
  readonly bytes: Uint8Array;
  /** Of the new file; the labels are also those that a removed node held. */
  readonly graph: OnnxSummary;
  readonly changes: readonly string[];
};

type Options = {
  readonly supported: SupportedVersions;
  /** Joins the columns of one score tensor that are outputs of their own; not where each output is a value with a name. */
  readonly joinColumns: boolean;
};

/** New outputs in place of some of the old ones, and the nodes that only made those. */
type OutputChange = {
  /** Names of the old outputs; the first one's place is taken by the new outputs. */
  readonly replaced: readonly string[];
  readonly outputs: readonly NewOutput[];
  /** Nodes by their first output. */
  readonly removed: readonly string[];
  readonly change: string;
};
type NewOutput = {
  readonly name: string;
  /** Undefined: that of the replaced sequence's elements. */
  readonly element: number | undefined;
  readonly width: number | undefined;
};

// Field numbers: onnx.proto.
const modelFields = { irVersion: 1, graph: 7, opset: 8 };
const graphFields = { node: 1, output: 12 };
const float32 = 1;
const elementNumbers: Readonly<Partial<Record<string, number>>> = { float32, float16: 10, float64: 11 };

const encode = (text: string): Chunks => [new TextEncoder().encode(text)];

/** A ValueInfoProto: a tensor [?, width], or of any shape. */
const writeOutput = ({ name, element = float32, width }: NewOutput): Chunks => {
  const open = writeField(1, []);
  const shape = width === undefined ? [] : writeField(2, [...open, ...writeField(1, writeNumber(1, width))]);
  return writeField(graphFields.output, [
    ...writeField(1, encode(name)),
    ...writeField(2, writeField(1, [...writeNumber(1, element), ...shape])),
  ]);
};

type Graph = {
  readonly summary: OnnxSummary;
  readonly producers: ReadonlyMap<string, GraphNode>;
  /** How many nodes and outputs use a tensor. */
  readonly uses: ReadonlyMap<string, number>;
};

const indexGraph = (summary: OnnxSummary): Graph => {
  const producers = new Map<string, GraphNode>();
  const uses = new Map<string, number>();
  const addUse = (name: string) => uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const node of summary.nodeList.nodes) {
    for (const name of node.outputs) producers.set(name, node);
    for (const name of node.inputs) addUse(name);
  }
  for (const { name } of summary.outputs) addUse(name);
  return { summary, producers, uses };
};

const isOperator = (node: GraphNode, operator: string, domain = ""): boolean =>
  node.operator === operator && node.domain === domain;

/** The nodes from an output back to the first one that is not `passes`; each must make nothing else. */
const walkBack = (
  { producers }: Graph,
  output: string,
  passes: ReadonlySet<string>,
): { readonly path: readonly GraphNode[]; readonly last: GraphNode | undefined } => {
  const path: GraphNode[] = [];
  let node = producers.get(output);
  while (node && node.domain === "" && passes.has(node.operator) && path.length < 8) {
    path.push(node);
    node = producers.get(node.inputs[0] ?? "");
  }
  return { path, last: node };
};

/** Nodes that nothing but this path uses, by their first output. */
const listRemovable = ({ uses }: Graph, path: readonly GraphNode[]): readonly string[] => {
  const removable: string[] = [];
  for (const { outputs } of path) {
    if (outputs.length !== 1 || uses.get(outputs[0] ?? "") !== 1) break;
    removable.push(outputs[0] ?? "");
  }
  return removable;
};

const identity = new Set(["Identity"]);

/** Cuts a ZipMap: the tensor that it takes becomes the output in place of a sequence of maps. */
const cutZipMap = (graph: Graph, output: string): OutputChange | undefined => {
  const { path, last } = walkBack(graph, output, identity);
  if (!last || !isOperator(last, "ZipMap", "ai.onnx.ml")) return undefined;
  const [tensor = ""] = last.inputs;
  const isOutput = graph.summary.outputs.some(({ name }) => name === tensor);
  const { length } = graph.summary.classLabels.at(-1)?.labels ?? [];
  const widths = new Set(graph.summary.classLabels.map(({ labels }) => labels.length));
  return {
    replaced: [output],
    outputs: isOutput
      ? []
      : [{ name: tensor, element: float32, width: widths.size === 1 ? length : undefined }],
    removed: listRemovable(graph, [...path, last]),
    change: `removed ZipMap: the tensor ${tensor} takes the place of the output ${output}`,
  };
};

/** A sequence that a node makes of tensors becomes these tensors. */
const unpackSequence = (graph: Graph, output: string): OutputChange | undefined => {
  const { path, last } = walkBack(graph, output, identity);
  if (!last || !isOperator(last, "SequenceConstruct") || last.hasMoreInputs || last.inputs.length === 0)
    return undefined;
  const names = [...new Set(last.inputs)].filter(
    (name) => !graph.summary.outputs.some((other) => other.name === name),
  );
  return {
    replaced: [output],
    outputs: names.map((name) => ({ name, element: undefined, width: undefined })),
    removed: listRemovable(graph, [...path, last]),
    change: `the sequence ${output} became its tensors ${last.inputs.join(", ")}, each an output`,
  };
};

type ScoreColumn = {
  readonly output: string;
  readonly tensor: string;
  readonly column: number;
  readonly path: readonly GraphNode[];
};
const reshapes = new Set(["Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"]);

/** The column of a tensor that a node selects. */
const readColumn = (
  node: GraphNode,
  output: string,
  constants: ReadonlyMap<string, GraphConstant>,
): number | undefined => {
  const valuesAt = (index: number): readonly number[] | undefined =>
    constants.get(node.inputs[index] ?? "")?.values;
  const isColumnAxis = (axis: number | undefined): boolean => axis === 1 || axis === -1;
  if (isOperator(node, "Slice")) {
    const start = (valuesAt(1) ?? node.attributes.get("starts")?.values)?.at(0);
    const end = (valuesAt(2) ?? node.attributes.get("ends")?.values)?.at(0);
    const axes = valuesAt(3) ?? node.attributes.get("axes")?.values;
    const isSingle = axes?.length === 1 && isColumnAxis(axes[0]) && start !== undefined && end === start + 1;
    return isSingle ? start : undefined;
  }
  const columns = valuesAt(1);
  if (isOperator(node, "Gather"))
    return isColumnAxis(node.attributes.get("axis")?.int) && columns?.length === 1 ? columns[0] : undefined;
  if (isOperator(node, "ArrayFeatureExtractor", "ai.onnx.ml"))
    return columns?.length === 1 ? columns[0] : undefined;
  if (isOperator(node, "Split")) {
    const sizes = columns ?? node.attributes.get("split")?.values;
    const isSingle = isColumnAxis(node.attributes.get("axis")?.int) && sizes?.every((size) => size === 1);
    return isSingle ? node.outputs.indexOf(output) : undefined;
  }
  return undefined;
};

const findScoreColumn = (graph: Graph, output: string): ScoreColumn | undefined => {
  const { path, last } = walkBack(graph, output, reshapes);
  if (!last) return undefined;
  const column = readColumn(last, path.at(-1)?.inputs[0] ?? output, graph.summary.nodeList.constants);
  const [tensor] = last.inputs;
  return column === undefined || !tensor ? undefined : { output, tensor, column, path: [...path, last] };
};

/** Outputs that are each one column of the scores become the scores: one column per label of the graph, in their order. */
const joinScoreColumns = (graph: Graph): OutputChange | undefined => {
  const { outputs, classLabels } = graph.summary;
  const columns = outputs.flatMap((value) => {
    if (value.kind !== "tensor" || elementNumbers[value.type] === undefined) return [];
    return findScoreColumn(graph, value.name) ?? [];
  });
  const [first] = columns;
  const isWhole =
    first !== undefined &&
    columns.length >= 2 &&
    columns.every(({ tensor, column }, index) => tensor === first.tensor && column === index) &&
    classLabels.some(({ labels }) => labels.length === columns.length) &&
    !outputs.some(({ name }) => name === first.tensor);
  if (!isWhole) return undefined;
  const value = outputs.find(({ name }) => name === first.output);
  const element = elementNumbers[value?.kind === "tensor" ? value.type : ""] ?? float32;
  const names = columns.map(({ output }) => output);
  return {
    replaced: names,
    outputs: [{ name: first.tensor, element, width: columns.length }],
    removed: columns.flatMap(({ path }) => listRemovable(graph, path)),
    change: `the tensor ${first.tensor} takes the place of the outputs ${names.slice(0, 20).join(", ")}, which were its columns`,
  };
};

const findOutputChanges = (summary: OnnxSummary, joinColumns: boolean): readonly OutputChange[] => {
  const graph = indexGraph(summary);
  const columns = joinColumns ? joinScoreColumns(graph) : undefined;
  return [
    ...summary.outputs.flatMap(({ name, kind }) =>
      kind === "sequence" ? (cutZipMap(graph, name) ?? unpackSequence(graph, name) ?? []) : [],
    ),
    ...(columns ? [columns] : []),
  ];
};

/** The names of a node's outputs, or a value's name. */
const readStrings = (bytes: Uint8Array, { value, end }: MessageField, field: number): string[] =>
  listFields(bytes, value, end).flatMap((part) =>
    part.field === field && part.isMessage
      ? [new TextDecoder().decode(bytes.subarray(part.value, part.end))]
      : [],
  );

/** The number at a path of field numbers within a message; undefined where there is none. */
const readNumberAt = (
  bytes: Uint8Array,
  message: MessageField,
  [field, ...path]: readonly number[],
): number | undefined => {
  const part = listFields(bytes, message.value, message.end).find((each) => each.field === field);
  if (!part) return undefined;
  if (path.length > 0) return part.isMessage ? readNumberAt(bytes, part, path) : undefined;
  const pbf = new PbfReader(bytes);
  pbf.pos = part.value;
  return part.isMessage ? undefined : pbf.readVarint();
};

const rewriteGraph = (bytes: Uint8Array, graph: MessageField, changes: readonly OutputChange[]): Chunks => {
  const removed = new Set(changes.flatMap((change) => change.removed));
  const replacements = new Map<MessageField, Chunks>();
  for (const field of listFields(bytes, graph.value, graph.end)) {
    if (field.field === graphFields.node) {
      const [first, ...others] = readStrings(bytes, field, 2);
      if (first && others.length === 0 && removed.has(first)) replacements.set(field, []);
    }
    if (field.field === graphFields.output) {
      const [name = ""] = readStrings(bytes, field, 1);
      const change = changes.find(({ replaced }) => replaced.includes(name));
      if (!change) continue;
      const sequenceElement = readNumberAt(bytes, field, [2, 4, 1, 1, 1]);
      const outputs = change.outputs.flatMap((output) =>
        writeOutput({ ...output, element: output.element ?? sequenceElement }),
      );
      replacements.set(field, change.replaced[0] === name ? outputs : []);
    }
  }
  return replaceFields(bytes, { start: graph.value, end: graph.end }, replacements);
};

const lowerOpset = (bytes: Uint8Array, opset: MessageField, supported: SupportedVersions): Chunks => {
  const fields = listFields(bytes, opset.value, opset.end);
  const [domain = ""] = readStrings(bytes, opset, 1);
  const most = supported.opsets.get(domain === "ai.onnx" ? "" : domain);
  const replacements = new Map<MessageField, Chunks>();
  for (const field of fields)
    if (field.field === 2 && most !== undefined) {
      const pbf = new PbfReader(bytes);
      pbf.pos = field.value;
      if (pbf.readVarint() > most) replacements.set(field, writeNumber(2, most));
    }
  return replaceFields(bytes, { start: opset.value, end: opset.end }, replacements);
};

/**
 * Rewrites a file into one that this platform can run, where that changes no number: a ZipMap at the end is removed, columns
 * of the scores become the scores, sequences of tensors become outputs, and versions that the runtime does not know become
 * the newest that it does where no operator changed in between. It keeps every byte that it does not have to change, and
 * returns the same bytes where nothing has to. Needs memory for one more copy of the file. Throws ModelUnreadable as
 * inspectOnnx does.
 */
export const prepareOnnx = (bytes: Uint8Array, { supported, joinColumns }: Options): PreparedOnnx => {
  const summary = inspectOnnx(bytes);
  const outputChanges = findOutputChanges(summary, joinColumns);
  const isNewer = findVersionMismatch(summary, supported) !== undefined;
  const lowers = isNewer && canLowerVersions(summary, supported);
  if (outputChanges.length === 0 && !lowers) return { bytes, graph: summary, changes: [] };
  const replacements = new Map<MessageField, Chunks>();
  for (const field of listFields(bytes)) {
    if (field.field === modelFields.graph && outputChanges.length > 0)
      replacements.set(field, writeField(modelFields.graph, rewriteGraph(bytes, field, outputChanges)));
    if (lowers && field.field === modelFields.irVersion && summary.irVersion > supported.irVersion)
      replacements.set(field, writeNumber(modelFields.irVersion, supported.irVersion));
    if (lowers && field.field === modelFields.opset)
      replacements.set(field, writeField(modelFields.opset, lowerOpset(bytes, field, supported)));
  }
  const rewritten = joinChunks(replaceFields(bytes, { start: 0, end: bytes.length }, replacements));
  const graph = inspectOnnx(rewritten);
  const opset = supported.opsets.get("");
  return {
    bytes: rewritten,
    graph: { ...graph, classLabels: summary.classLabels },
    changes: [
      ...outputChanges.map(({ change }) => change),
      ...(lowers
        ? [
            `wrote IR version ${graph.irVersion} and opset ${graph.opsets.get("") ?? opset} in place of ${summary.irVersion} and ${summary.opsets.get("") ?? opset}: ${supported.runtime} reads no newer ones, and none of the model's operators changed in between`,
          ]
        : []),
    ],
  };
};
