import { PbfWriter } from "pbf";

/** A small writer of ONNX files, hostile ones included. Field numbers: onnx.proto. */
export type Dim = number | string;
export type Value =
  | { readonly name: string; readonly type: number; readonly shape: readonly Dim[] }
  | { readonly name: string; readonly sequence: true };
export type TensorSpec = {
  readonly name?: string;
  readonly type?: number;
  readonly dims: readonly number[];
  readonly int64?: readonly number[];
  readonly float?: readonly number[];
  readonly external?: boolean;
};
export type Attribute = { readonly name: string } & (
  | { readonly int: number }
  | { readonly tensor: TensorSpec }
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
  readonly initializers?: readonly TensorSpec[];
  readonly inputs?: readonly Value[];
  readonly outputs?: readonly Value[];
};
export type Model = { readonly graph: Graph; readonly opsets?: Readonly<Record<string, number>> };

export const float = 1;
export const int64 = 7;
export const text = 8;
export const bool = 9;

type Write = (pbf: PbfWriter) => void;
const inside = (pbf: PbfWriter, field: number, write: Write) =>
  pbf.writeMessage(field, (_: null, inner: PbfWriter) => write(inner), null);

const tensor =
  ({ name, type = int64, dims, int64: integers, float: floats, external }: TensorSpec): Write =>
  (pbf) => {
    for (const size of dims) pbf.writeVarintField(1, size);
    pbf.writeVarintField(2, type);
    if (floats) pbf.writePackedFloat(4, [...floats]);
    if (integers) pbf.writePackedVarint(7, [...integers]);
    if (name) pbf.writeStringField(8, name);
    if (external) {
      inside(pbf, 13, (entry) => {
        entry.writeStringField(1, "location");
        entry.writeStringField(2, "../../etc/passwd");
      });
      pbf.writeVarintField(14, 1);
    }
  };

const value =
  (spec: Value): Write =>
  (pbf) => {
    pbf.writeStringField(1, spec.name);
    inside(pbf, 2, (type) => {
      if ("sequence" in spec) return inside(type, 4, () => {});
      inside(type, 1, (tensorType) => {
        tensorType.writeVarintField(1, spec.type);
        inside(tensorType, 2, (shape) => {
          for (const size of spec.shape)
            inside(shape, 1, (dim) =>
              typeof size === "number" ? dim.writeVarintField(1, size) : dim.writeStringField(2, size),
            );
        });
      });
    });
  };

const attribute =
  (spec: Attribute): Write =>
  (pbf) => {
    pbf.writeStringField(1, spec.name);
    if ("int" in spec) {
      pbf.writeVarintField(3, spec.int);
      pbf.writeVarintField(20, 2);
    } else if ("tensor" in spec) {
      inside(pbf, 5, tensor(spec.tensor));
      pbf.writeVarintField(20, 4);
    } else {
      inside(pbf, 6, graph(spec.graph));
      pbf.writeVarintField(20, 5);
    }
  };

const node =
  ({ op, domain, inputs = [], outputs, attributes = [] }: Node): Write =>
  (pbf) => {
    for (const name of inputs) pbf.writeStringField(1, name);
    for (const name of outputs) pbf.writeStringField(2, name);
    pbf.writeStringField(4, op);
    for (const spec of attributes) inside(pbf, 5, attribute(spec));
    if (domain) pbf.writeStringField(7, domain);
  };

const graph =
  ({ nodes = [], initializers = [], inputs = [], outputs = [] }: Graph): Write =>
  (pbf) => {
    for (const spec of nodes) inside(pbf, 1, node(spec));
    pbf.writeStringField(2, "g");
    for (const spec of initializers) inside(pbf, 5, tensor(spec));
    for (const spec of inputs) inside(pbf, 11, value(spec));
    for (const spec of outputs) inside(pbf, 12, value(spec));
  };

export const writeOnnx = ({ graph: spec, opsets = { "": 17 } }: Model): Uint8Array => {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, 8);
  inside(pbf, 7, graph(spec));
  for (const [domain, version] of Object.entries(opsets))
    inside(pbf, 8, (opset) => {
      if (domain) opset.writeStringField(1, domain);
      opset.writeVarintField(2, version);
    });
  return pbf.finish();
};
