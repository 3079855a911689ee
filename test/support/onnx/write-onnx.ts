import { PbfWriter } from "pbf";

/** A small writer of ONNX files, hostile ones included. Field numbers: onnx.proto. */
type Dim = number | string;
export type Value =
  | { readonly name: string; readonly type: number; readonly shape: readonly Dim[] }
  | { readonly name: string; readonly sequence: true };
type OnnxTensor = {
  readonly name?: string;
  readonly type?: number;
  readonly dims: readonly number[];
  readonly int64?: readonly number[];
  /** Also of flags. */
  readonly int32?: readonly number[];
  readonly float?: readonly number[];
  readonly double?: readonly number[];
  readonly text?: readonly string[];
  /** The elements as their bytes, little endian. */
  readonly raw?: Uint8Array;
  /** The entries of its place in another file; true: outside of the model's folder. */
  readonly external?: boolean | Readonly<Record<string, string>>;
};
export type Attribute = { readonly name: string } & (
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  /** In a function: the name of the call's attribute. */
  | { readonly ref: string }
  | { readonly tensor: OnnxTensor }
  | { readonly graph: Graph }
);
export type Node = {
  readonly op: string;
  readonly domain?: string;
  readonly inputs?: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: readonly Attribute[];
};
export type Graph = {
  readonly nodes?: readonly Node[];
  readonly initializers?: readonly OnnxTensor[];
  readonly inputs?: readonly Value[];
  readonly outputs?: readonly Value[];
};
/** A function of the model's own. */
export type LocalFunction = {
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly Node[];
};
export type Model = {
  readonly graph: Graph;
  readonly opsets?: Readonly<Record<string, number>>;
  readonly irVersion?: number;
  readonly functions?: readonly LocalFunction[];
};

export const floatType = 1;
export const uint8Type = 2;
export const stringType = 8;
export const doubleType = 11;
export const int64Type = 7;
export const boolType = 9;

type Write = (pbf: PbfWriter) => void;
const writeNested = (pbf: PbfWriter, field: number, write: Write) =>
  pbf.writeMessage(field, (_: null, inner: PbfWriter) => write(inner), null);

const writeTensor =
  (tensor: OnnxTensor): Write =>
  (pbf) => {
    const {
      name,
      type = int64Type,
      dims,
      int64: integers,
      int32,
      float: floats,
      double,
      text,
      raw,
      external,
    } = tensor;
    for (const size of dims) pbf.writeVarintField(1, size);
    pbf.writeVarintField(2, type);
    if (floats) pbf.writePackedFloat(4, [...floats]);
    if (int32) pbf.writePackedVarint(5, [...int32]);
    for (const each of text ?? []) pbf.writeStringField(6, each);
    if (integers) pbf.writePackedVarint(7, [...integers]);
    if (name) pbf.writeStringField(8, name);
    if (raw) pbf.writeBytesField(9, raw);
    if (double) pbf.writePackedDouble(10, [...double]);
    if (external) {
      const entries = external === true ? { location: "../../etc/passwd" } : external;
      for (const [key, value] of Object.entries(entries))
        writeNested(pbf, 13, (entry) => {
          entry.writeStringField(1, key);
          entry.writeStringField(2, value);
        });
      pbf.writeVarintField(14, 1);
    }
  };

const writeValue =
  (spec: Value): Write =>
  (pbf) => {
    pbf.writeStringField(1, spec.name);
    writeNested(pbf, 2, (type) => {
      if ("sequence" in spec) return writeNested(type, 4, () => {});
      writeNested(type, 1, (tensorType) => {
        tensorType.writeVarintField(1, spec.type);
        writeNested(tensorType, 2, (shape) => {
          for (const size of spec.shape)
            writeNested(shape, 1, (dim) =>
              typeof size === "number" ? dim.writeVarintField(1, size) : dim.writeStringField(2, size),
            );
        });
      });
    });
  };

const writeAttribute =
  (spec: Attribute): Write =>
  (pbf) => {
    pbf.writeStringField(1, spec.name);
    if ("int" in spec) {
      pbf.writeVarintField(3, spec.int);
      pbf.writeVarintField(20, 2);
    } else if ("float" in spec) {
      pbf.writeFloatField(2, spec.float);
      pbf.writeVarintField(20, 1);
    } else if ("string" in spec) {
      pbf.writeStringField(4, spec.string);
      pbf.writeVarintField(20, 3);
    } else if ("floats" in spec) {
      pbf.writePackedFloat(7, [...spec.floats]);
      pbf.writeVarintField(20, 6);
    } else if ("ints" in spec) {
      pbf.writePackedVarint(8, [...spec.ints]);
      pbf.writeVarintField(20, 7);
    } else if ("strings" in spec) {
      for (const text of spec.strings) pbf.writeStringField(9, text);
      pbf.writeVarintField(20, 8);
    } else if ("ref" in spec) {
      pbf.writeStringField(21, spec.ref);
      pbf.writeVarintField(20, 7);
    } else if ("tensor" in spec) {
      writeNested(pbf, 5, writeTensor(spec.tensor));
      pbf.writeVarintField(20, 4);
    } else {
      writeNested(pbf, 6, writeGraph(spec.graph));
      pbf.writeVarintField(20, 5);
    }
  };

const writeNode =
  ({ op, domain, inputs = [], outputs, attributes = [] }: Node): Write =>
  (pbf) => {
    for (const name of inputs) pbf.writeStringField(1, name);
    for (const name of outputs) pbf.writeStringField(2, name);
    pbf.writeStringField(4, op);
    for (const spec of attributes) writeNested(pbf, 5, writeAttribute(spec));
    if (domain) pbf.writeStringField(7, domain);
  };

export const writeGraph =
  ({ nodes = [], initializers = [], inputs = [], outputs = [] }: Graph): Write =>
  (pbf) => {
    for (const spec of nodes) writeNested(pbf, 1, writeNode(spec));
    pbf.writeStringField(2, "g");
    for (const spec of initializers) writeNested(pbf, 5, writeTensor(spec));
    for (const spec of inputs) writeNested(pbf, 11, writeValue(spec));
    for (const spec of outputs) writeNested(pbf, 12, writeValue(spec));
  };

const writeOpset =
  (domain: string, version: number): Write =>
  (pbf) => {
    if (domain) pbf.writeStringField(1, domain);
    pbf.writeVarintField(2, version);
  };

const writeFunction =
  ({ domain, name, inputs, outputs, nodes }: LocalFunction): Write =>
  (pbf) => {
    pbf.writeStringField(1, name);
    for (const each of inputs) pbf.writeStringField(4, each);
    for (const each of outputs) pbf.writeStringField(5, each);
    for (const spec of nodes) writeNested(pbf, 7, writeNode(spec));
    writeNested(pbf, 9, writeOpset("", 17));
    writeNested(pbf, 9, writeOpset(domain, 1));
    pbf.writeStringField(10, domain);
  };

export const writeOnnx = ({
  graph: spec,
  opsets = { "": 17 },
  irVersion = 8,
  functions = [],
}: Model): Uint8Array => {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, irVersion);
  writeNested(pbf, 7, writeGraph(spec));
  for (const [domain, version] of Object.entries(opsets)) writeNested(pbf, 8, writeOpset(domain, version));
  for (const each of functions) writeNested(pbf, 25, writeFunction(each));
  return pbf.finish();
};
