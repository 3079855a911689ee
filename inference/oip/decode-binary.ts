import { isAscii } from "node:buffer";
import { type Datatype, datatypes } from "./datatypes.ts";

/** A problem of binary tensor data: of the element `index`, or (undefined) of the whole size. */
export type DecodeProblem = { readonly index: number | undefined; readonly detail: string };
export type TensorValues = ArrayLike<unknown>;

/** A byte order mark is kept as a normal character. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Copies the bytes, because typed arrays need an alignment that tensors may not have. */
const copyAligned = (bytes: Uint8Array): ArrayBuffer => {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
};

const decodeBooleans = (bytes: Uint8Array, count: number): TensorValues | DecodeProblem => {
  const values = new Array<boolean>(count);
  for (let index = 0; index < count; index++) {
    const byte = bytes[index];
    if (byte !== 0 && byte !== 1) return { index, detail: "must be a byte of value 0 or 1" };
    values[index] = byte === 1;
  }
  return values;
};

/**
 * Decodes 64-bit integers: to doubles where all are exact, which are several times faster to read; otherwise to bigints.
 * Both 32-bit halves are exact, so only their sum is rounded.
 */
const decodeInt64s = (bytes: Uint8Array, signed: boolean): Float64Array | BigInt64Array | BigUint64Array => {
  const low = new Uint32Array(copyAligned(bytes));
  const high = signed ? new Int32Array(low.buffer) : low;
  const values = new Float64Array(low.length / 2);
  for (let index = 0; index < values.length; index++) {
    const value = (high[2 * index + 1] ?? 0) * 4_294_967_296 + (low[2 * index] ?? 0);
    if (!Number.isSafeInteger(value))
      return signed ? new BigInt64Array(low.buffer) : new BigUint64Array(low.buffer);
    values[index] = value;
  }
  return values;
};

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits, 10 fraction bits. */
const decodeFloat16s = (bytes: Uint8Array): Float32Array =>
  Float32Array.from(new Uint16Array(copyAligned(bytes)), (bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1_024) * 2 ** (exponent - 15));
  });

/** Decodes elements that consist of a 4-byte length and UTF-8 text. */
const decodeTexts = (bytes: Uint8Array, count: number): TensorValues | DecodeProblem => {
  // Checked before memory for the values is allocated.
  if (bytes.length < 4 * count)
    return { index: undefined, detail: `${count} elements of BYTES need at least ${4 * count} bytes` };
  const values = new Array<string>(count);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  // Slicing one ASCII text is much faster than decoding each element; lengths of short texts are ASCII too.
  const ascii = isAscii(buffer) ? buffer.toString("latin1") : undefined;
  let offset = 0;
  for (let index = 0; index < count; index++) {
    if (buffer.length - offset < 4)
      return { index, detail: "has no length: the tensor's bytes end before it" };
    const length = buffer.readUInt32LE(offset);
    offset += 4;
    if (length > buffer.length - offset)
      return { index, detail: `has a length of ${length} bytes, but only ${buffer.length - offset} follow` };
    if (ascii !== undefined) values[index] = ascii.slice(offset, offset + length);
    else
      try {
        values[index] = utf8.decode(buffer.subarray(offset, offset + length));
      } catch {
        return { index, detail: "is not UTF-8" };
      }
    offset += length;
  }
  if (offset < buffer.length)
    return { index: undefined, detail: `${buffer.length - offset} bytes follow the tensor's last element` };
  return values;
};

/**
 * Decodes the elements of a binary tensor: little-endian, row-major, without padding. Slipway runs on x64 and arm64, which
 * have the same byte order.
 * Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
export const decodeBinary = (
  datatype: Datatype,
  bytes: Uint8Array,
  count: number,
): TensorValues | DecodeProblem => {
  const size = datatypes[datatype].bytes;
  if (size !== undefined && bytes.length !== size * count)
    return {
      index: undefined,
      detail: `${count} elements of ${datatype} have ${size * count} bytes, not ${bytes.length}`,
    };
  switch (datatype) {
    case "BOOL":
      return decodeBooleans(bytes, count);
    case "UINT8":
      return bytes;
    case "UINT16":
      return new Uint16Array(copyAligned(bytes));
    case "UINT32":
      return new Uint32Array(copyAligned(bytes));
    case "INT8":
      return new Int8Array(copyAligned(bytes));
    case "INT16":
      return new Int16Array(copyAligned(bytes));
    case "INT32":
      return new Int32Array(copyAligned(bytes));
    case "UINT64":
      return decodeInt64s(bytes, false);
    case "INT64":
      return decodeInt64s(bytes, true);
    case "FP16":
      return decodeFloat16s(bytes);
    case "FP32":
      return new Float32Array(copyAligned(bytes));
    case "FP64":
      return new Float64Array(copyAligned(bytes));
    case "BYTES":
      return decodeTexts(bytes, count);
    default:
      return datatype satisfies never;
  }
};
