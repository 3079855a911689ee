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
  readonly float?: readonly number[];
  readonly external?: boolean;
};
type Attribute = { readonly name: string } & (
  | { readonly int: number }
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
export type Model = { readonly graph: Graph; readonly opsets?: Readonly<Record<string, number>> };

export const floatType = 1;
export const int64Type = 7;
export const boolType = 9;

type Write = (pbf: PbfWriter) => void;
const writeNested = (pbf: PbfWriter, field: number, write: Write) =>
  pbf.writeMessage(field, (_: null, inner: PbfWriter) => write(inner), null);

const writeTensor =
  ({ name, type = int64Type, dims, int64: integers, float: floats, external }: OnnxTensor): Write =>
  (pbf) => {
    for (const size of dims) pbf.writeVarintField(1, size);
    pbf.writeVarintField(2, type);
    if (floats) pbf.writePackedFloat(4, [...floats]);
    if (integers) pbf.writePackedVarint(7, [...integers]);
    if (name) pbf.writeStringField(8, name);
    if (external) {
      writeNested(pbf, 13, (entry) => {
        entry.writeStringField(1, "location");
        entry.writeStringField(2, "../../etc/passwd");
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

export const writeOnnx = ({ graph: spec, opsets = { "": 17 } }: Model): Uint8Array => {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, 8);
  writeNested(pbf, 7, writeGraph(spec));
  for (const [domain, version] of Object.entries(opsets))
    writeNested(pbf, 8, (opset) => {
      if (domain) opset.writeStringField(1, domain);
      opset.writeVarintField(2, version);
    });
  return pbf.finish();
};
