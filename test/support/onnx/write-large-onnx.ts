import { PbfWriter } from "pbf";
import { floatType, type Graph, writeGraph } from "./write-onnx.ts";

/** A tensor of 32-bit floats that is too large for memory. */
type LargeTensor = {
  readonly name: string;
  readonly dims: readonly number[];
  /** The values in row order, little-endian. */
  readonly data: () => Iterable<Uint8Array>;
};

const lengthDelimited = 2;

/**
 * Writes an ONNX file as a stream. The large tensor's values are the last bytes of the file: protobuf's fields have no
 * order, so everything before them fits into memory, with the lengths of the messages that they end.
 */
export const writeLargeOnnx = (
  graph: Graph,
  { name, dims, data }: LargeTensor,
): { readonly size: number; readonly open: () => Iterable<Uint8Array> } => {
  const dataBytes = dims.reduce((product, size) => product * size, 4);
  const tensor = new PbfWriter();
  for (const size of dims) tensor.writeVarintField(1, size);
  tensor.writeVarintField(2, floatType);
  tensor.writeStringField(8, name);
  tensor.writeTag(9, lengthDelimited);
  tensor.writeVarint(dataBytes);
  const tensorHead = tensor.finish();

  const graphPart = new PbfWriter();
  writeGraph(graph)(graphPart);
  graphPart.writeTag(5, lengthDelimited);
  graphPart.writeVarint(tensorHead.length + dataBytes);
  const graphHead = graphPart.finish();

  const model = new PbfWriter();
  model.writeVarintField(1, 8);
  model.writeMessage(8, (_: null, opset: PbfWriter) => opset.writeVarintField(2, 17), null);
  model.writeTag(7, lengthDelimited);
  model.writeVarint(graphHead.length + tensorHead.length + dataBytes);
  const head = Buffer.concat([model.finish(), graphHead, tensorHead]);
  return {
    size: head.length + dataBytes,
    open: function* () {
      yield head;
      yield* data();
    },
  };
};
