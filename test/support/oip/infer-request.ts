import { type Datatype, datatypes } from "#inference/oip/datatypes.ts";

/** A tensor for a request. `data`: its elements, row by row. */
export type OipTensor = {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
};
export type InferRequestSpec = {
  readonly inputs: readonly OipTensor[];
  readonly more?: Readonly<Record<string, unknown>>;
};

/** One element as binary data. */
const encodeElement = (datatype: Datatype, value: unknown): Buffer => {
  if (datatype === "BYTES") {
    const text = Buffer.from(String(value));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return Buffer.concat([length, text]);
  }
  const bytes = Buffer.alloc(datatypes[datatype].bytes);
  const number = Number(value);
  switch (datatype) {
    case "FP64":
      bytes.writeDoubleLE(number);
      return bytes;
    case "FP32":
      bytes.writeFloatLE(number);
      return bytes;
    case "INT64":
      bytes.writeBigInt64LE(BigInt(number));
      return bytes;
    case "UINT64":
      bytes.writeBigUInt64LE(BigInt(number));
      return bytes;
    case "FP16":
      throw new Error("FP16 is not supported here");
    default:
      if (datatype.startsWith("INT")) bytes.writeIntLE(number, 0, bytes.length);
      else bytes.writeUIntLE(number, 0, bytes.length);
      return bytes;
  }
};
const encodeBinaryTensor = ({ datatype, data }: OipTensor): Buffer =>
  Buffer.concat(data.map((value) => encodeElement(datatype, value)));

/** A request in JSON. */
export const buildJsonRequest = ({ inputs, more = {} }: InferRequestSpec): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ ...more, inputs }),
});

/** The same with all tensors as binary data after the JSON. */
export const buildBinaryRequest = ({
  inputs,
  more = {},
}: InferRequestSpec): RequestInit & { body: Buffer } => {
  const tensors = inputs.map(encodeBinaryTensor);
  const header = Buffer.from(
    JSON.stringify({
      ...more,
      inputs: inputs.map(({ name, datatype, shape }, index) => ({
        name,
        datatype,
        shape,
        parameters: { binary_data_size: tensors[index]?.length },
      })),
    }),
  );
  return {
    method: "POST",
    headers: {
      "content-type": "application/octet-stream",
      "inference-header-content-length": String(header.length),
    },
    body: Buffer.concat([header, ...tensors]),
  };
};

type OutputTensor = {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly parameters?: { readonly binary_data_size?: number; readonly labels?: string };
  readonly data?: readonly unknown[];
};
type InferResponse = { readonly id: string; readonly outputs: readonly OutputTensor[] } & Record<
  string,
  unknown
>;

const decodeElements = ({ datatype }: OutputTensor, bytes: Buffer): unknown[] => {
  const read: unknown[] = [];
  for (let from = 0; from < bytes.length; )
    if (datatype === "BYTES") {
      const to = from + 4 + bytes.readUInt32LE(from);
      read.push(bytes.toString("utf8", from + 4, to));
      from = to;
    } else {
      read.push(datatype === "INT64" ? Number(bytes.readBigInt64LE(from)) : bytes.readDoubleLE(from));
      from += 8;
    }
  return read;
};

/** An inference response's JSON with the data of all outputs, from JSON or binary data. */
export const readInferenceResponse = async (response: Response): Promise<InferResponse> => {
  const bytes = Buffer.from(await response.arrayBuffer());
  const length = Number(response.headers.get("inference-header-content-length") ?? bytes.length);
  const body: InferResponse = JSON.parse(bytes.toString("utf8", 0, length));
  let from = length;
  const outputs = body.outputs.map((output) => {
    const size = output.parameters?.binary_data_size;
    if (size === undefined) return output;
    from += size;
    return { ...output, data: decodeElements(output, bytes.subarray(from - size, from)) };
  });
  if (from !== bytes.length) throw new Error("bytes follow the last output");
  return { ...body, outputs };
};
