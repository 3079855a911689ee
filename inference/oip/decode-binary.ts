import { isAscii } from "node:buffer";
import { type Datatype, datatypes } from "./datatypes.ts";

/** What is wrong with binary tensor data: of one element, or (`at` undefined) of its size. */
type DecodeProblem = { readonly at: number | undefined; readonly detail: string };
export type TensorValues = ArrayLike<unknown>;

/** A byte order mark is a character like any other here. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A copy, because typed arrays begin at multiples of their elements' size and tensors need not. */
const copyAligned = (bytes: Uint8Array): ArrayBuffer => {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
};

const decodeBooleans = (bytes: Uint8Array, count: number): TensorValues | DecodeProblem => {
  const values = new Array<boolean>(count);
  for (let at = 0; at < count; at++) {
    const byte = bytes[at];
    if (byte !== 0 && byte !== 1) return { at, detail: "must be a byte of value 0 or 1" };
    values[at] = byte === 1;
  }
  return values;
};

/** 64-bit integers as the nearest doubles: the parts of 32 bits are exact, so that their sum is rounded once. */
const decodeInt64s = (bytes: Uint8Array, signed: boolean): Float64Array => {
  const low = new Uint32Array(copyAligned(bytes));
  const high = signed ? new Int32Array(low.buffer) : low;
  const values = new Float64Array(low.length / 2);
  for (let at = 0; at < values.length; at++)
    values[at] = (high[2 * at + 1] ?? 0) * 4_294_967_296 + (low[2 * at] ?? 0);
  return values;
};

/** IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction. */
const decodeFloat16s = (bytes: Uint8Array): Float32Array =>
  Float32Array.from(new Uint16Array(copyAligned(bytes)), (bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1_024) * 2 ** (exponent - 15));
  });

/** Elements of a 4-byte length and as many bytes of UTF-8. */
const decodeTexts = (bytes: Uint8Array, count: number): TensorValues | DecodeProblem => {
  // Looked at before the space for the values is taken.
  if (bytes.length < 4 * count)
    return { at: undefined, detail: `${count} elements of BYTES have at least ${4 * count} bytes` };
  const values = new Array<string>(count);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  // Short ASCII texts have lengths that are ASCII too: cut from one text they cost a fraction of reading each.
  const ascii = isAscii(buffer) ? buffer.toString("latin1") : undefined;
  let from = 0;
  for (let at = 0; at < count; at++) {
    if (buffer.length - from < 4) return { at, detail: "has no length: the tensor's bytes end before it" };
    const length = buffer.readUInt32LE(from);
    from += 4;
    if (length > buffer.length - from)
      return { at, detail: `says it has ${length} bytes; the tensor's bytes end ${buffer.length - from} on` };
    if (ascii !== undefined) values[at] = ascii.slice(from, from + length);
    else
      try {
        values[at] = utf8.decode(buffer.subarray(from, from + length));
      } catch {
        return { at, detail: "is not UTF-8" };
      }
    from += length;
  }
  if (from < buffer.length)
    return { at: undefined, detail: `${buffer.length - from} bytes follow the tensor's last element` };
  return values;
};

/**
 * The elements of a tensor that came as binary data: little-endian, row by row, without padding. Slipway runs on x64
 * and arm64, whose own byte order is the protocol's.
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
      at: undefined,
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
