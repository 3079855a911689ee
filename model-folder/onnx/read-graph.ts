import { PbfReader } from "pbf";
import { type ElementType, type GraphValue, toElementType } from "./graph-value.ts";
import { ModelUnreadable } from "./model-unreadable.ts";

/** The elements of a stored tensor; text as UTF-8 decodes it. */
export type TensorData =
  | { readonly type: "float32"; readonly values: Float32Array }
  | { readonly type: "float64"; readonly values: Float64Array }
  | { readonly type: "int32"; readonly values: Int32Array }
  | { readonly type: "int64"; readonly values: BigInt64Array }
  | { readonly type: "uint8" | "bool"; readonly values: Uint8Array }
  | { readonly type: "string"; readonly values: readonly string[] };
export type StoredTensor = {
  readonly name: string;
  readonly dims: readonly number[];
  /** Decodes the elements; undefined for types that no operator here computes with. Throws ModelUnreadable if they are not as many as the shape says. */
  read(): TensorData | undefined;
};

/** An attribute with the field that its type names. Subgraphs, sparse tensors and integers beyond 2^53 are `other`. */
export type AttributeValue =
  | { readonly kind: "float"; readonly float: number }
  | { readonly kind: "int"; readonly int: number }
  | { readonly kind: "string"; readonly string: string }
  | { readonly kind: "tensor"; readonly tensor: StoredTensor }
  | { readonly kind: "floats"; readonly floats: Float32Array }
  | { readonly kind: "ints"; readonly ints: Float64Array }
  | { readonly kind: "strings"; readonly strings: readonly string[] }
  | { readonly kind: "other" };

/** A node with everything that it computes with. */
export type WholeNode = {
  readonly operator: string;
  /** "" is ONNX's own. */
  readonly domain: string;
  /** "" for an omitted one. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeValue>;
};

export type WholeGraph = {
  readonly irVersion: number;
  /** Version of each operator set that the graph imports; "" is ONNX's own. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly nodes: readonly WholeNode[];
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Without the stored tensors that old files list among them. */
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  readonly hasFunctions: boolean;
};

type GraphLimits = {
  readonly bytes: number;
  readonly nodes: number;
  readonly tensors: number;
  /** Numbers and texts of all attributes and tensors together, without those in a tensor's raw bytes. */
  readonly values: number;
  readonly attributes: number;
  readonly names: number;
};

/** Three million nodes of trees, and the memory that reading them takes. */
export const defaultGraphLimits: GraphLimits = {
  bytes: 1_024 * 1_024 * 1_024,
  nodes: 20_000,
  tensors: 20_000,
  values: 32_000_000,
  attributes: 100,
  names: 200_000,
};

type State = {
  readonly pbf: PbfReader;
  readonly limits: GraphLimits;
  nodes: number;
  tensors: number;
  values: number;
  names: number;
};

const varint = 0;
const lengthDelimited = 2;
const fixed32 = 5;
const maxDimensions = 64;
const refuse = (message: string): never => {
  throw new ModelUnreadable(message);
};

/** The graph is beyond the limits of this reader. It may be a sound model. */
export class GraphTooLarge extends Error {
  override readonly name = "GraphTooLarge";
}
const refuseLarge = (message: string): never => {
  throw new GraphTooLarge(message);
};
const refuseTruncated = (): never => refuse("the file is not an ONNX model, or is truncated");

const readValueEnd = ({ pbf }: State): number => {
  if (pbf.type !== lengthDelimited) refuseTruncated();
  const length = pbf.readVarint();
  const end = pbf.pos + length;
  return end <= pbf.length ? end : refuseTruncated();
};
const readFields = ({ pbf }: State, end: number, read: (field: number) => void): void => {
  for (let field = pbf.nextField(end); field !== 0; field = pbf.nextField(end)) {
    read(field);
    if (pbf.pos > end) refuseTruncated();
  }
  if (pbf.pos !== end) refuseTruncated();
};
const readMessage = (state: State, read: (field: number) => void): void =>
  readFields(state, readValueEnd(state), read);

const readBytes = (state: State): Uint8Array => {
  const end = readValueEnd(state);
  const bytes = state.pbf.buf.subarray(state.pbf.pos, end);
  state.pbf.pos = end;
  return bytes;
};
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const readText = (state: State): string => {
  try {
    return decoder.decode(readBytes(state));
  } catch (error) {
    return error instanceof ModelUnreadable
      ? refuseTruncated()
      : refuse("the model holds text that is not UTF-8");
  }
};
const readName = (state: State): string => {
  if (++state.names > state.limits.names) refuseLarge(`the model has more than ${state.limits.names} names`);
  return readText(state);
};
const readInteger = ({ pbf }: State): number =>
  pbf.type === varint ? pbf.readVarint(true) : refuseTruncated();

/** Reads 64 bits exactly; pbf's own reader returns a number, which holds 53. */
const readInt64 = ({ pbf }: State): bigint => {
  let value = 0n;
  // Nearly all integers of a model are small.
  let low = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = pbf.buf[pbf.pos++];
    if (byte === undefined) return refuseTruncated();
    if (shift < 28) low += (byte & 127) * 2 ** shift;
    else value |= BigInt(byte & 127) << BigInt(shift);
    if (byte < 128) return shift < 28 ? BigInt(low) : BigInt.asIntN(64, value | BigInt(low));
  }
  return refuseTruncated();
};

/** An integer of an attribute; NaN beyond 2^53, which no operator here takes. */
const readSafeInteger = (state: State): number => {
  const number = Number(readInt64(state));
  return Number.isSafeInteger(number) ? number : Number.NaN;
};

const countValues = (state: State, count: number): void => {
  state.values += count;
  if (state.values > state.limits.values)
    refuseLarge(`the model holds more than ${state.limits.values} numbers and texts`);
};

/** Collects a repeated field, packed or not. */
const readFloats = (state: State, values: number[]): void => {
  const { pbf } = state;
  if (pbf.type === fixed32) {
    countValues(state, 1);
    values.push(pbf.readFloat());
    return;
  }
  const bytes = readBytes(state);
  countValues(state, bytes.length >> 2);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length % 4 !== 0) refuseTruncated();
  for (let at = 0; at < bytes.length; at += 4) values.push(view.getFloat32(at, true));
};
const readDoubles = (state: State, values: number[]): void => {
  const { pbf } = state;
  if (pbf.type !== lengthDelimited) {
    countValues(state, 1);
    values.push(pbf.readDouble());
    return;
  }
  const bytes = readBytes(state);
  countValues(state, bytes.length >> 3);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length % 8 !== 0) refuseTruncated();
  for (let at = 0; at < bytes.length; at += 8) values.push(view.getFloat64(at, true));
};
const readIntegers = <Integer>(state: State, values: Integer[], read: (state: State) => Integer): void => {
  const { pbf } = state;
  if (pbf.type === varint) {
    countValues(state, 1);
    values.push(read(state));
    return;
  }
  const end = readValueEnd(state);
  while (pbf.pos < end) {
    countValues(state, 1);
    values.push(read(state));
  }
  if (pbf.pos !== end) refuseTruncated();
};
const readTexts = (state: State, values: string[]): void => {
  countValues(state, 1);
  values.push(readText(state));
};

/** Copies raw bytes, which may lie at any offset, into numbers; ONNX writes little endian. */
const readRaw = (type: ElementType, raw: Uint8Array): TensorData | undefined => {
  // A Buffer's own `slice` gives a view, and a file is read into one.
  const { buffer } = new Uint8Array(raw);
  const whole = (size: number): number =>
    raw.length % size === 0 ? raw.length / size : refuse("a stored tensor ends in the middle of a number");
  switch (type) {
    case "float32":
      return { type, values: new Float32Array(buffer, 0, whole(4)) };
    case "float64":
      return { type, values: new Float64Array(buffer, 0, whole(8)) };
    case "int32":
      return { type, values: new Int32Array(buffer, 0, whole(4)) };
    case "int64":
      return { type, values: new BigInt64Array(buffer, 0, whole(8)) };
    case "uint8":
    case "bool":
      return { type, values: new Uint8Array(buffer) };
    default:
      return undefined;
  }
};

type Lists = {
  readonly floats: readonly number[];
  readonly doubles: readonly number[];
  readonly int32s: readonly bigint[];
  readonly int64s: readonly bigint[];
  readonly texts: readonly string[];
};
const fromLists = (
  type: ElementType,
  { floats, doubles, int32s, int64s, texts }: Lists,
): TensorData | undefined => {
  switch (type) {
    case "float32":
      return { type, values: Float32Array.from(floats) };
    case "float64":
      return { type, values: Float64Array.from(doubles) };
    case "int32":
      return { type, values: Int32Array.from(int32s, Number) };
    case "int64":
      return { type, values: BigInt64Array.from(int64s) };
    case "uint8":
    case "bool":
      return { type, values: Uint8Array.from(int32s, Number) };
    case "string":
      return { type, values: texts };
    default:
      return undefined;
  }
};

const readTensor = (state: State): StoredTensor => {
  if (++state.tensors > state.limits.tensors)
    refuseLarge(`the model holds more than ${state.limits.tensors} tensors`);
  let name = "";
  let type: ElementType = "other";
  let raw: Uint8Array | undefined;
  let isExternal = false;
  const dims: bigint[] = [];
  const floats: number[] = [];
  const doubles: number[] = [];
  const int32s: bigint[] = [];
  const int64s: bigint[] = [];
  const texts: string[] = [];
  readMessage(state, (field) => {
    switch (field) {
      case 1:
        return readIntegers(state, dims, readInt64);
      case 2:
        type = toElementType(readInteger(state));
        return;
      case 4:
        return readFloats(state, floats);
      case 5:
        return readIntegers(state, int32s, readInt64);
      case 6:
        return readTexts(state, texts);
      case 7:
        return readIntegers(state, int64s, readInt64);
      case 8:
        name = readName(state);
        return;
      case 9:
        raw = readBytes(state);
        return;
      case 10:
        return readDoubles(state, doubles);
      case 13:
        isExternal = true;
        return;
      case 14:
        isExternal ||= readInteger(state) === 1;
        return;
    }
  });
  if (isExternal) refuse(`the tensor ${name} keeps its data in another file`);
  if (dims.length > maxDimensions || dims.some((size) => size < 0n || size > 2n ** 31n))
    refuse(`the tensor ${name} has an impossible shape`);
  const sizes = dims.map(Number);
  const read = (): TensorData | undefined => {
    const data =
      raw === undefined ? fromLists(type, { floats, doubles, int32s, int64s, texts }) : readRaw(type, raw);
    if (data !== undefined && data.values.length !== sizes.reduce((product, size) => product * size, 1))
      refuse(`the tensor ${name} does not have as many values as its shape says`);
    return data;
  };
  return { name, dims: sizes, read };
};

const readAttribute = (state: State): readonly [string, AttributeValue] => {
  let name = "";
  let type = 0;
  let float = 0;
  let int = 0;
  let string: string | undefined;
  let tensor: StoredTensor | undefined;
  let isOther = false;
  const floats: number[] = [];
  const ints: number[] = [];
  const strings: string[] = [];
  readMessage(state, (field) => {
    switch (field) {
      case 1:
        name = readName(state);
        return;
      case 2:
        float = state.pbf.type === fixed32 ? state.pbf.readFloat() : refuseTruncated();
        return;
      case 3:
        int = state.pbf.type === varint ? readSafeInteger(state) : refuseTruncated();
        return;
      case 4:
        string = readText(state);
        return;
      case 5:
        tensor = readTensor(state);
        return;
      case 7:
        return readFloats(state, floats);
      case 8:
        return readIntegers(state, ints, readSafeInteger);
      case 9:
        return readTexts(state, strings);
      case 13:
        return;
      case 20:
        type = readInteger(state);
        return;
      // A subgraph, sparse or repeated tensor, a type, a reference of a function.
      default:
        isOther = true;
        state.pbf.skip(state.pbf.type);
    }
  });
  const other = { kind: "other" } as const;
  const value = (): AttributeValue => {
    if (isOther) return other;
    switch (type) {
      case 1:
        return { kind: "float", float };
      case 2:
        return Number.isNaN(int) ? other : { kind: "int", int };
      case 3:
        return { kind: "string", string: string ?? "" };
      case 4:
        return tensor === undefined ? other : { kind: "tensor", tensor };
      case 6:
        return { kind: "floats", floats: Float32Array.from(floats) };
      case 7:
        return ints.some(Number.isNaN) ? other : { kind: "ints", ints: Float64Array.from(ints) };
      case 8:
        return { kind: "strings", strings };
      default:
        return other;
    }
  };
  return [name, value()];
};

const readNode = (state: State): WholeNode => {
  if (++state.nodes > state.limits.nodes) refuseLarge(`the model has more than ${state.limits.nodes} nodes`);
  let operator = "";
  let domain = "";
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, AttributeValue>();
  readMessage(state, (field) => {
    switch (field) {
      case 1:
        inputs.push(readName(state));
        return;
      case 2:
        outputs.push(readName(state));
        return;
      case 4:
        operator = readName(state);
        return;
      case 5: {
        const [name, value] = readAttribute(state);
        if (attributes.has(name)) refuse(`an operator ${operator} has the attribute ${name} twice`);
        attributes.set(name, value);
        if (attributes.size > state.limits.attributes)
          refuseLarge(`an operator has more than ${state.limits.attributes} attributes`);
        return;
      }
      case 7:
        domain = readName(state);
        return;
    }
  });
  return { operator, domain: domain === "ai.onnx" ? "" : domain, inputs, outputs, attributes };
};

const readDimensions = (state: State): readonly (number | string | null)[] => {
  const sizes: (number | string | null)[] = [];
  readMessage(state, (field) => {
    if (field !== 1) return;
    let size: number | string | null = null;
    readMessage(state, (inner) => {
      if (inner === 1) size = readInteger(state);
      else if (inner === 2) size = readName(state) || null;
    });
    if (sizes.push(size) > maxDimensions) refuse(`a tensor has more than ${maxDimensions} dimensions`);
  });
  return sizes;
};

const valueKinds: Readonly<Record<number, "sequence" | "map" | "sparse" | "optional">> = {
  4: "sequence",
  5: "map",
  8: "sparse",
  9: "optional",
};
type ValueType =
  | { kind: "sequence" | "map" | "sparse" | "optional" | "unknown" }
  | { kind: "tensor"; type: ElementType; shape: readonly (number | string | null)[] | null };

const readGraphValue = (state: State): GraphValue => {
  let name = "";
  let type: ValueType = { kind: "unknown" };
  readMessage(state, (field) => {
    if (field === 1) name = readName(state);
    else if (field === 2)
      readMessage(state, (kind) => {
        if (kind !== 1) {
          const other = valueKinds[kind];
          if (other) type = { kind: other };
          return;
        }
        let element: ElementType = "other";
        let shape: readonly (number | string | null)[] | null = null;
        readMessage(state, (part) => {
          if (part === 1) element = toElementType(readInteger(state));
          else if (part === 2) shape = readDimensions(state);
        });
        type = { kind: "tensor", type: element, shape };
      });
  });
  return { name, ...type };
};

type Graph = Pick<WholeGraph, "nodes" | "tensors" | "inputs" | "outputs">;
const readMainGraph = (state: State): Graph => {
  const nodes: WholeNode[] = [];
  const tensors = new Map<string, StoredTensor>();
  const inputs: GraphValue[] = [];
  const outputs: GraphValue[] = [];
  readMessage(state, (field) => {
    switch (field) {
      case 1:
        nodes.push(readNode(state));
        return;
      case 5: {
        const tensor = readTensor(state);
        if (tensors.has(tensor.name)) refuse(`the graph stores the tensor ${tensor.name} twice`);
        tensors.set(tensor.name, tensor);
        return;
      }
      case 11:
        inputs.push(readGraphValue(state));
        return;
      case 12:
        outputs.push(readGraphValue(state));
        return;
      case 15:
        return refuse("the graph stores a sparse tensor");
    }
  });
  return { nodes, tensors, inputs: inputs.filter(({ name }) => !tensors.has(name)), outputs };
};

/**
 * Reads a graph with all that it computes with: attributes and stored tensors, whose raw bytes it decodes only when they are
 * read. Throws ModelUnreadable for broken protobuf and data in other files, GraphTooLarge beyond the limits. It checks no
 * operator; inspectOnnx does.
 * Source of the field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export const readGraph = (bytes: Uint8Array, limits: GraphLimits = defaultGraphLimits): WholeGraph => {
  if (bytes.length > limits.bytes) return refuseLarge(`the file is larger than ${limits.bytes} bytes`);
  const state: State = { pbf: new PbfReader(bytes), limits, nodes: 0, tensors: 0, values: 0, names: 0 };
  const opsets = new Map<string, number>();
  let graph: Graph | undefined;
  let irVersion = 0;
  let hasFunctions = false;
  try {
    readFields(state, bytes.length, (field) => {
      switch (field) {
        case 1:
          irVersion = readInteger(state);
          return;
        case 7:
          if (graph) refuse("the model holds two graphs");
          graph = readMainGraph(state);
          return;
        case 8: {
          let domain = "";
          let version = 0;
          readMessage(state, (inner) => {
            if (inner === 1) domain = readName(state);
            else if (inner === 2) version = readInteger(state);
          });
          opsets.set(domain === "ai.onnx" ? "" : domain, version);
          return;
        }
        case 25:
          hasFunctions = true;
          state.pbf.skip(state.pbf.type);
          return;
      }
    });
  } catch (error) {
    // The reader's own errors (a long varint, a group, an offset outside the file) all mean an invalid file.
    if (error instanceof ModelUnreadable || error instanceof GraphTooLarge) throw error;
    return refuseTruncated();
  }
  if (!graph) return refuse("the file holds no ONNX graph");
  return { irVersion, opsets, hasFunctions, ...graph };
};
