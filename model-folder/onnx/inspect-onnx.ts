import { PbfReader } from "pbf";
import { expandFunctions, type GraphFunction, type NodeList, toFunctionKey } from "./expand-functions.ts";
import { explainExport } from "./explain-export.ts";
import { findIndexRanges, type IndexRange } from "./find-index-ranges.ts";
import { findUnboundedOperator } from "./find-unbounded-operator.ts";
import { findUnstableOperators, type UnstableOperators } from "./find-unstable-operators.ts";
import type { GraphConstant, GraphNode, NodeAttribute } from "./graph-node.ts";
import { type ElementType, type GraphValue, toElementType } from "./graph-value.ts";
import { identifyFile } from "./identify-file.ts";
import { ModelUnreadable } from "./model-unreadable.ts";

/** A summary of an ONNX file, read without running it. */
export type OnnxSummary = {
  /** Version of the file format. */
  readonly irVersion: number;
  /** Version of each operator set that the graph imports; "" is ONNX's own. */
  readonly opsets: ReadonlyMap<string, number>;
  /** Nodes of the graph, of all its subgraphs and of its functions. */
  readonly nodes: number;
  readonly initializers: number;
  readonly initializerBytes: number;
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** The labels of classifier nodes, each list in the order of the node's scores. */
  readonly classLabels: readonly ClassLabels[];
  /** The nodes, with calls of the model's own functions inlined. */
  readonly nodeList: NodeList;
  /** Whether the model defines functions of its own. */
  readonly hasFunctions: boolean;
  /** Columns whose values select rows of a table in the graph. */
  readonly indexRanges: readonly IndexRange[];
  readonly unstable: UnstableOperators;
  /** The operator that makes run time and memory depend on a request's values; absent: they depend only on its rows. */
  readonly unbounded: string | undefined;
};

type ClassLabels = { readonly type: "string" | "integer"; readonly labels: readonly string[] };

type OnnxLimits = {
  readonly bytes: number;
  readonly nodes: number;
  readonly initializers: number;
  /** Elements of one tensor, stored or created by the graph from constants. */
  readonly elements: number;
  /** Nesting of protobuf messages; a subgraph adds several levels. */
  readonly depth: number;
  readonly functions: number;
  /** Bytes of functions, each counted once per call. */
  readonly functionBytes: number;
  /** Calls of functions within calls. */
  readonly callDepth: number;
};

export const defaultOnnxLimits: OnnxLimits = {
  // protobuf itself ends at 2 GiB - 1.
  bytes: 2_000_000_000,
  nodes: 100_000,
  initializers: 20_000,
  elements: 2 ** 28,
  depth: 40,
  functions: 2_000,
  functionBytes: 64 * 1_024 * 1_024,
  callDepth: 64,
};

const allowedDomains = new Set(["", "ai.onnx", "ai.onnx.ml", "com.microsoft"]);
// onnxruntime's optimiser writes these imports into every file that it saves; no node may use them.
const importOnlyDomains = new Set([
  "ai.onnx.training",
  "ai.onnx.preview.training",
  "com.microsoft.nchwc",
  "com.microsoft.experimental",
  "com.ms.internal.nhwc",
  "org.pytorch.aten",
]);

/** Torch's exporter imports these domains even where no function of them is left. */
const isExporterDomain = (domain: string): boolean => /^pkg\.(onnxscript|torch)(\.|$)/.test(domain);

const varint = 0;
const lengthDelimited = 2;

/** Operators that create a tensor whose size is a constant, and the index of that input. */
const shapeInputs: ReadonlyMap<string, number> = new Map([
  ["ConstantOfShape", 0],
  ["Expand", 1],
  ["Tile", 1],
]);
const shapeAttributes = new Set(["RandomNormal", "RandomUniform"]);
const maxShapeLength = 64;
/** Attributes of ai.onnx.ml's classifiers with their labels. */
const labelAttributes = new Set(["classlabels_strings", "classlabels_int64s", "classlabels_ints"]);
/** One more than a manifest can list. */
const maxLabels = 1_001;
const maxLabelLists = 100;
const maxValues = 50_000;
/** Per node; no ONNX operator has more than about two dozen. */
const maxAttributes = 1_000;
/** Names of inputs and outputs that are kept, per node and in the whole file; the rest is read and dropped. */
const maxNodeNames = 1_000;
const maxNames = 1_000_000;

type State = {
  readonly pbf: PbfReader;
  readonly limits: OnnxLimits;
  nodes: number;
  initializers: number;
  initializerBytes: number;
  readonly opsets: Map<string, number>;
  irVersion: number;
  /** Domains of the nodes; "ai.onnx" is stored as "". */
  readonly domains: Set<string>;
  /** The operator of the first node in each domain that is not a standard one. */
  readonly otherDomains: Map<string, string>;
  readonly classLabels: ClassLabels[];
  /** The graph's nodes; while a function is read, the function's. */
  scope: Scope;
  readonly functions: Map<string, GraphFunction>;
  names: number;
};
/** Nodes and stored tensors of a graph and of its subgraphs, in the file's order. */
type Scope = { readonly nodes: GraphNode[]; readonly constants: Map<string, GraphConstant> };

const refuse = (message: string): never => {
  throw new ModelUnreadable(message);
};
const refuseTruncated = (): never => refuse("the file is not an ONNX model, or is truncated");

/** A file of another kind has no protobuf mistake: it says what it is, and how it becomes an ONNX model. */
const refuseOtherFile = (bytes: Uint8Array): void => {
  const found = identifyFile(bytes);
  if (!found) return;
  const { what, remedy, lines } = explainExport(found, "the-file");
  throw new ModelUnreadable(
    found.kind === "empty" ? "the file is empty" : `the file is ${what}, not an ONNX model`,
    { remedy: [remedy, lines.map((line) => `\`${line}\``).join(", then ")].filter(Boolean).join(" ") },
  );
};

/** Reads the fields of one message that ends at `end`; skips fields that `read` does not consume. */
const readFields = (state: State, end: number, depth: number, read: (field: number) => void): void => {
  const { pbf, limits } = state;
  if (depth > limits.depth) refuse(`the model is nested deeper than ${limits.depth} messages`);
  for (let field = pbf.nextField(end); field !== 0; field = pbf.nextField(end)) {
    read(field);
    if (pbf.pos > end) refuseTruncated();
  }
  if (pbf.pos !== end) refuseTruncated();
};

/** Returns the end of the length-delimited value that starts here; never beyond the file. */
const readValueEnd = ({ pbf }: State): number => {
  if (pbf.type !== lengthDelimited) refuseTruncated();
  const length = pbf.readVarint();
  const end = pbf.pos + length;
  if (!(end <= pbf.length)) refuseTruncated();
  return end;
};
const readMessage = (state: State, depth: number, read: (field: number) => void): void =>
  readFields(state, readValueEnd(state), depth + 1, read);
const readString = (state: State, limit = 1_024): string => {
  const end = readValueEnd(state);
  const { pbf } = state;
  if (end - pbf.pos > limit) refuse(`the model holds a name of more than ${limit} bytes`);
  const bytes = pbf.buf.subarray(pbf.pos, end);
  pbf.pos = end;
  return new TextDecoder().decode(bytes);
};
const readInteger = ({ pbf }: State): number =>
  pbf.type === varint ? pbf.readVarint(true) : refuseTruncated();
/** Reads a repeated integer field, packed or not. It skips values beyond `limit`. */
const readIntegers = (state: State, values: number[], limit = maxShapeLength): void => {
  const { pbf } = state;
  if (pbf.type === varint) {
    values.push(pbf.readVarint(true));
  } else {
    const end = readValueEnd(state);
    while (pbf.pos < end && values.length <= limit) values.push(pbf.readVarint(true));
    if (pbf.pos > end) refuseTruncated();
    pbf.pos = end;
  }
  if (values.length > limit + 1) values.length = limit + 1;
};

/** Counts the elements of a shape; open dimensions (-1) count as 1. Never NaN. */
const countElements = (shape: readonly number[]): number =>
  shape.includes(0) ? 0 : shape.reduce((product, size) => product * (size < 0 ? 1 : size), 1);

type TensorSummary = GraphConstant & {
  readonly name: string;
  readonly elements: number;
  readonly dims: readonly number[];
};

/** Reads a stored tensor. Refuses data in other files and tensors above the limit. */
const readTensorSummary = (state: State, depth: number): TensorSummary => {
  const { pbf } = state;
  let name = "";
  const data: { type: ElementType; external: boolean; raw?: Uint8Array } = { type: "other", external: false };
  const dims: number[] = [];
  const integers: number[] = [];
  readMessage(state, depth, (field) => {
    switch (field) {
      case 1:
        return readIntegers(state, dims);
      case 2:
        data.type = toElementType(readInteger(state));
        return;
      case 5:
      case 7:
        return readIntegers(state, integers);
      case 8:
        name = readString(state, 65_536);
        return;
      case 9: {
        const end = readValueEnd(state);
        data.raw = pbf.buf.subarray(pbf.pos, end);
        pbf.pos = end;
        return;
      }
      case 13:
        data.external = true;
        return;
      case 14:
        data.external ||= readInteger(state) === 1;
        return;
    }
  });
  if (data.external)
    throw new ModelUnreadable(`the tensor ${name} keeps its data in another file`, {
      remedy:
        'Write it into one file in Python: `import onnx; onnx.save(onnx.load("model.onnx"), "one-file.onnx")` (torch.onnx.export: external_data=False); `slipway new` joins the weights of a model itself.',
    });
  if (dims.length > maxShapeLength || dims.some((size) => size < 0))
    refuse(`the tensor ${name} has an impossible shape`);
  const count = countElements(dims);
  if (count > state.limits.elements)
    refuse(`the tensor ${name} has more than ${state.limits.elements} elements`);
  state.initializers++;
  if (state.initializers > state.limits.initializers)
    refuse(`the model holds more than ${state.limits.initializers} tensors`);
  const values = count <= maxShapeLength ? readSmallIntegers(data, integers) : undefined;
  return {
    name,
    elements: count,
    dims,
    ...(values ? { values } : {}),
    ...(values && data.type === "int64" ? { size: countElements(values) } : {}),
  };
};

/** The values of a small tensor of integers or flags; undefined for other types. */
const readSmallIntegers = (
  { type, raw }: { readonly type: ElementType; readonly raw?: Uint8Array },
  integers: readonly number[],
): readonly number[] | undefined => {
  if (type !== "int64" && type !== "int32" && type !== "bool") return undefined;
  if (!raw) return integers;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const bytes = type === "int64" ? 8 : type === "int32" ? 4 : 1;
  return Array.from({ length: Math.min(maxShapeLength, Math.floor(raw.byteLength / bytes)) }, (_, index) => {
    if (type === "int64") return Number(view.getBigInt64(index * 8, true));
    return type === "int32" ? view.getInt32(index * 4, true) : view.getUint8(index);
  });
};

const readInitializer = (state: State, depth: number, names: Set<string>): void => {
  const start = state.pbf.pos;
  const { name, dims, values, size } = readTensorSummary(state, depth);
  state.initializerBytes += state.pbf.pos - start;
  names.add(name);
  // A subgraph may reuse a name of the outer graph, but a graph with subgraphs is unbounded anyway.
  storeConstant(state.scope.constants, name, {
    dims,
    ...(values ? { values } : {}),
    ...(size === undefined ? {} : { size }),
  });
};
/** A name can repeat in subgraphs: then only the largest size is known. */
const storeConstant = (
  constants: Map<string, GraphConstant>,
  name: string,
  { dims, values, size }: GraphConstant,
): void => {
  const known = constants.get(name);
  const largest = Math.max(known?.size ?? -1, size ?? -1);
  constants.set(name, {
    ...(known || !dims ? {} : { dims }),
    ...(known || !values ? {} : { values }),
    ...(largest < 0 ? {} : { size: largest }),
  });
};

type Attribute = { readonly name: string; readonly value: NodeAttribute };

const readAttribute = (state: State, depth: number): Attribute => {
  let name = "";
  let int: number | undefined;
  let ref: string | undefined;
  let tensor: GraphConstant | undefined;
  const integers: number[] = [];
  const strings: string[] = [];
  readMessage(state, depth, (field) => {
    switch (field) {
      case 1:
        name = readString(state);
        return;
      case 3:
        int = readInteger(state);
        return;
      case 5:
      case 10: {
        tensor = readTensorSummary(state, depth + 1);
        return;
      }
      case 6:
      case 11:
        readGraph(state, depth + 1);
        return;
      case 8:
        return readIntegers(state, integers, maxLabels);
      case 9:
        // Every exporter writes the name first; otherwise the labels stay unknown.
        if (labelAttributes.has(name) && strings.length < maxLabels) strings.push(readString(state, 65_536));
        return;
      case 21:
        ref = readString(state, 65_536);
        return;
      case 22:
      case 23:
        readSparseTensor(state, depth + 1);
        return;
    }
  });
  if (labelAttributes.has(name) && state.classLabels.length < maxLabelLists) {
    if (strings.length > 0) state.classLabels.push({ type: "string", labels: strings });
    else if (integers.length > 0) state.classLabels.push({ type: "integer", labels: integers.map(String) });
  }
  const values =
    tensor?.values ?? (integers.length > 0 && integers.length <= maxShapeLength ? integers : undefined);
  const size = tensor ? tensor.size : integers.length > 0 ? countElements(integers) : undefined;
  return {
    name,
    value: {
      ...(int === undefined ? {} : { int }),
      ...(values ? { values } : {}),
      ...(size === undefined ? {} : { size }),
      ...(ref ? { ref } : {}),
    },
  };
};

const readSparseTensor = (state: State, depth: number): void => {
  const dims: number[] = [];
  readMessage(state, depth, (field) => {
    if (field === 1 || field === 2) readTensorSummary(state, depth + 1);
    else if (field === 3) readIntegers(state, dims);
  });
  if (countElements(dims) > state.limits.elements)
    refuse(`a sparse tensor has more than ${state.limits.elements} elements`);
};

/** Reads one more name of a node, or skips it beyond the limits: a Concat may have thousands of inputs. */
const readNodeName = (state: State, names: string[]): boolean => {
  if (names.length >= maxNodeNames || state.names >= maxNames) return false;
  state.names++;
  names.push(readString(state, 65_536));
  return true;
};

const readNode = (state: State, depth: number): void => {
  if (++state.nodes > state.limits.nodes) refuse(`the model has more than ${state.limits.nodes} nodes`);
  const inputs: string[] = [];
  const outputs: string[] = [];
  let hasMoreNames = false;
  let operator = "";
  let domain = "";
  let overload = "";
  const attributes: Attribute[] = [];
  readMessage(state, depth, (field) => {
    switch (field) {
      case 1:
        hasMoreNames = !readNodeName(state, inputs) || hasMoreNames;
        return;
      case 2:
        hasMoreNames = !readNodeName(state, outputs) || hasMoreNames;
        return;
      case 4:
        operator = readString(state);
        return;
      case 5:
        // An empty attribute has two bytes: without a limit a file of a few megabytes would need a gigabyte of memory.
        if (attributes.push(readAttribute(state, depth)) > maxAttributes)
          refuse(`an operator has more than ${maxAttributes} attributes`);
        return;
      case 7:
        domain = readString(state);
        return;
      case 8:
        overload = readString(state);
        return;
    }
  });
  const isStandard = allowedDomains.has(domain);
  const normalizedDomain = domain === "ai.onnx" ? "" : domain;
  state.domains.add(normalizedDomain);
  if (!isStandard) {
    if (!state.otherDomains.has(domain)) state.otherDomains.set(domain, operator);
    if (hasMoreNames) refuse(`the call of ${operator} has too many inputs or outputs`);
  }
  state.scope.nodes.push({
    operator: isStandard ? operator : toFunctionKey(domain, operator, overload),
    domain: normalizedDomain,
    inputs,
    hasMoreInputs: hasMoreNames,
    outputs,
    attributes: new Map(attributes.map(({ name, value }) => [name, value])),
  });
};

/** Checks the sizes of tensors that nodes create from constants, and returns all constants, those of nodes included. */
const collectConstants = (
  { nodes, constants: stored }: NodeList,
  limits: OnnxLimits,
): ReadonlyMap<string, GraphConstant> => {
  const constants = new Map(stored);
  for (const { operator, domain, attributes, outputs } of nodes) {
    if (operator !== "Constant" || domain !== "") continue;
    for (const name of ["value", "value_ints", "value_int"]) {
      const value = attributes.get(name);
      if (!value) continue;
      const values = value.values ?? (value.int === undefined ? undefined : [value.int]);
      storeConstant(constants, outputs[0] ?? "", {
        ...(values ? { values } : {}),
        ...(value.size === undefined ? {} : { size: value.size }),
      });
    }
  }
  for (const { operator, inputs, attributes } of nodes) {
    const input = inputs[shapeInputs.get(operator) ?? -1];
    const size = input
      ? constants.get(input)?.size
      : shapeAttributes.has(operator)
        ? attributes.get("shape")?.size
        : undefined;
    if ((size ?? 0) > limits.elements) refuseLargeTensor(limits, operator);
  }
  return constants;
};

const refuseLargeTensor = (limits: OnnxLimits, operator: string): never =>
  refuse(`an operator ${operator} creates a tensor of more than ${limits.elements} elements from a constant`);

const valueKinds: Readonly<Record<number, "sequence" | "map" | "sparse" | "optional">> = {
  4: "sequence",
  5: "map",
  8: "sparse",
  9: "optional",
};

const readDimensions = (state: State, depth: number): (number | string | null)[] => {
  const sizes: (number | string | null)[] = [];
  readMessage(state, depth, (field) => {
    if (field !== 1) return;
    let size: number | string | null = null;
    readMessage(state, depth + 1, (inner) => {
      if (inner === 1) size = readInteger(state);
      else if (inner === 2) size = readString(state) || null;
    });
    if (sizes.push(size) > maxShapeLength) refuse(`a tensor has more than ${maxShapeLength} dimensions`);
  });
  return sizes;
};

const readGraphValue = (state: State, depth: number): GraphValue => {
  let name = "";
  let type:
    | { kind: "sequence" | "map" | "sparse" | "optional" | "unknown" }
    | { kind: "tensor"; type: ElementType; shape: (number | string | null)[] | null } = { kind: "unknown" };
  readMessage(state, depth, (field) => {
    if (field === 1) name = readString(state, 65_536);
    else if (field === 2)
      readMessage(state, depth + 1, (kind) => {
        if (kind === 1) {
          let element: ElementType = "other";
          let shape: (number | string | null)[] | null = null;
          readMessage(state, depth + 2, (part) => {
            if (part === 1) element = toElementType(readInteger(state));
            else if (part === 2) shape = readDimensions(state, depth + 3);
          });
          type = { kind: "tensor", type: element, shape };
        } else if (valueKinds[kind]) type = { kind: valueKinds[kind] };
      });
  });
  return { name, ...type };
};

type Graph = { readonly inputs: GraphValue[]; readonly outputs: GraphValue[] };

const readGraph = (state: State, depth: number): Graph => {
  const inputs: GraphValue[] = [];
  const outputs: GraphValue[] = [];
  const initializerNames = new Set<string>();
  const addValue = (list: GraphValue[], listName: string): void => {
    if (list.push(readGraphValue(state, depth)) > maxValues)
      refuse(`the graph has more than ${maxValues} ${listName}`);
  };
  readMessage(state, depth, (field) => {
    switch (field) {
      case 1:
        return readNode(state, depth + 1);
      case 5:
        return readInitializer(state, depth + 1, initializerNames);
      case 11:
        return addValue(inputs, "inputs");
      case 12:
        return addValue(outputs, "outputs");
      case 15:
        return readSparseTensor(state, depth + 1);
    }
  });
  // Before IR version 4 the inputs also listed each initializer.
  return { inputs: inputs.filter(({ name }) => !initializerNames.has(name)), outputs };
};

const readOpset = (state: State): void => {
  let domain = "";
  let version = 0;
  readMessage(state, 0, (field) => {
    if (field === 1) domain = readString(state);
    else if (field === 2) version = readInteger(state);
  });
  state.opsets.set(domain === "ai.onnx" ? "" : domain, version);
};

/** Reads a function of the model into its own scope. */
const readFunction = (state: State): void => {
  const start = state.pbf.pos;
  const outer = state.scope;
  const scope: Scope = { nodes: [], constants: new Map() };
  const inputs: string[] = [];
  const outputs: string[] = [];
  const defaults = new Map<string, NodeAttribute>();
  let name = "";
  let domain = "";
  let overload = "";
  state.scope = scope;
  readMessage(state, 0, (field) => {
    switch (field) {
      case 1:
        name = readString(state);
        return;
      case 4:
      case 5:
        if (!readNodeName(state, field === 4 ? inputs : outputs))
          refuse("a function has too many inputs or outputs");
        return;
      case 7:
        return readNode(state, 1);
      case 9:
        // A function may import another version of an operator set; onnxruntime checks that both can be one.
        return readMessage(state, 1, () => {});
      case 10:
        domain = readString(state);
        return;
      case 11: {
        const attribute = readAttribute(state, 1);
        if (defaults.set(attribute.name, attribute.value).size > maxAttributes)
          refuse(`a function has more than ${maxAttributes} attributes`);
        return;
      }
      case 13:
        overload = readString(state);
        return;
    }
  });
  state.scope = outer;
  if (allowedDomains.has(domain) || importOnlyDomains.has(domain))
    refuse(
      `the model defines a function ${name} of its own in the domain ${domain || "ai.onnx"}, which is reserved`,
    );
  const key = toFunctionKey(domain, name, overload);
  if (state.functions.has(key)) refuse(`the model defines the function ${name} twice`);
  const bytes = state.pbf.pos - start;
  state.functions.set(key, { inputs, outputs, ...scope, defaults, bytes });
  if (state.functions.size > state.limits.functions)
    refuse(`the model defines more than ${state.limits.functions} functions`);
};

/** Refuses domains that neither this platform knows nor the model's own functions define. */
const assertKnownDomains = ({ functions, otherDomains, scope, opsets }: State): void => {
  const defined = new Set([...functions.keys()].map((key) => key.split("\0")[0] ?? ""));
  for (const [domain, operator] of otherDomains)
    if (!defined.has(domain))
      refuse(
        `the operator ${operator} is of the domain ${domain}, which is not allowed here: export with standard operators`,
      );
  const calls = [scope.nodes, ...[...functions.values()].map(({ nodes }) => nodes)];
  for (const { operator, domain } of calls.flat())
    if (!allowedDomains.has(domain) && !functions.has(operator))
      refuse(
        `the model calls the function ${operator.split("\0")[1]} of the domain ${domain}, which it does not define`,
      );
  for (const domain of opsets.keys())
    if (
      !allowedDomains.has(domain) &&
      !importOnlyDomains.has(domain) &&
      !defined.has(domain) &&
      !isExporterDomain(domain)
    )
      refuse(
        `the model imports operators of the domain ${domain}, which is not allowed here: export with standard operators`,
      );
};

const readOnnxModel = (state: State): OnnxSummary => {
  let graph: Graph | undefined;
  readFields(state, state.pbf.length, 0, (field) => {
    switch (field) {
      case 1:
        state.irVersion = readInteger(state);
        return;
      case 7:
        if (graph) refuse("the model holds two graphs");
        graph = readGraph(state, 0);
        return;
      case 8:
        return readOpset(state);
      case 20:
        return refuse("the model holds training graphs: export it for inference");
      case 25:
        return readFunction(state);
    }
  });
  const { nodes, initializers, initializerBytes, opsets, classLabels, limits, functions, irVersion } = state;
  if (!graph) return refuse("the file holds no ONNX graph");
  if (opsets.size === 0) return refuse("the file names no operator set");
  assertKnownDomains(state);
  for (const domain of state.domains)
    if (!opsets.has(domain) && functions.size === 0)
      refuse(`the file uses operators of ${domain || "ONNX"} but does not name their version`);
  const expanded = expandFunctions(state.scope, functions, limits);
  const constants = collectConstants(expanded, limits);
  return {
    irVersion,
    opsets,
    nodes,
    initializers,
    initializerBytes,
    classLabels,
    nodeList: { nodes: expanded.nodes, constants },
    hasFunctions: functions.size > 0,
    indexRanges: findIndexRanges(graph.inputs, expanded.nodes, constants),
    unstable: findUnstableOperators(expanded.nodes, constants),
    unbounded: findUnboundedOperator(expanded.nodes, new Set(expanded.constants.keys())),
    ...graph,
  };
};

/**
 * Reads the structure of an ONNX file. It runs nothing, opens no other file, and needs time and memory proportional to the
 * file. It sees into the model's own functions as if they were inlined. Throws ModelUnreadable with the reason: invalid or
 * truncated protobuf, data in other files, unknown domains, functions that call themselves or grow too large, too many nodes
 * or tensors, tensors that are too large.
 * Source of the field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export const inspectOnnx = (bytes: Uint8Array, limits: OnnxLimits = defaultOnnxLimits): OnnxSummary => {
  refuseOtherFile(bytes);
  if (bytes.length > limits.bytes) return refuse(`the file is larger than ${limits.bytes} bytes`);
  const state: State = {
    pbf: new PbfReader(bytes),
    limits,
    nodes: 0,
    initializers: 0,
    initializerBytes: 0,
    irVersion: 0,
    opsets: new Map(),
    domains: new Set(),
    otherDomains: new Map(),
    classLabels: [],
    scope: { nodes: [], constants: new Map() },
    functions: new Map(),
    names: 0,
  };
  try {
    return readOnnxModel(state);
  } catch (error) {
    // The reader's own errors (a long varint, a group, an offset outside the file) all mean an invalid file.
    if (error instanceof ModelUnreadable) throw error;
    return refuseTruncated();
  }
};
