import { describe, expect, test } from "vitest";
import { decodeBinary } from "./decode-binary.ts";

/** The bytes at an odd address, as they may lie behind a request's JSON. */
const bytes = (typed: NodeJS.TypedArray): Uint8Array => {
  const shifted = new Uint8Array(typed.byteLength + 1).subarray(1);
  shifted.set(new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength));
  return shifted;
};
const decoded = (...given: Parameters<typeof decodeBinary>) => {
  const values = decodeBinary(...given);
  if ("detail" in values) throw new Error(values.detail);
  return Array.from(values);
};

describe("binary tensor data", () => {
  test.each([
    ["UINT8", new Uint8Array([0, 255])],
    ["UINT16", new Uint16Array([0, 65_535])],
    ["UINT32", new Uint32Array([0, 4_294_967_295])],
    ["INT8", new Int8Array([-128, 127])],
    ["INT16", new Int16Array([-32_768, 32_767])],
    ["INT32", new Int32Array([-2_147_483_648, 2_147_483_647])],
    ["FP32", new Float32Array([-0, 1 / 3, Number.NaN, Number.POSITIVE_INFINITY])],
    ["FP64", new Float64Array([-0, 1 / 3, Number.NaN, Number.NEGATIVE_INFINITY])],
  ] as const)("of %s is read as it was written, wherever it lies", (datatype, values) => {
    expect(decoded(datatype, bytes(values), values.length)).toEqual([...values]);
  });

  test("of 64-bit integers is read as numbers, and beyond 2^53 as bigints: no digit is lost", () => {
    const signed = [
      0n,
      1n,
      -1n,
      -5_000_000_001n,
      2n ** 53n - 1n,
      -(2n ** 63n),
      2n ** 63n - 1n,
      2n ** 53n + 1n,
    ];
    expect(decoded("INT64", bytes(BigInt64Array.from(signed)), signed.length)).toEqual(signed);
    const unsigned = [0n, 2n ** 32n, 2n ** 64n - 1n];
    expect(decoded("UINT64", bytes(BigUint64Array.from(unsigned)), 3)).toEqual(unsigned);
    const small = [0n, 1n, -1n, -5_000_000_001n, 2n ** 53n - 1n];
    expect(decoded("INT64", bytes(BigInt64Array.from(small)), small.length)).toEqual(small.map(Number));
  });

  test("of half precision is read by IEEE 754", () => {
    const halves = [0x0000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555, 0x7c00, 0xfc00, 0x7e00];
    expect(decoded("FP16", bytes(Uint16Array.from(halves)), halves.length)).toEqual([
      0,
      1,
      -2,
      65_504,
      2 ** -24,
      0.333251953125,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
    ]);
  });

  test("of booleans is read as true and false", () => {
    expect(decoded("BOOL", new Uint8Array([1, 0]), 2)).toEqual([true, false]);
  });

  test.each([
    ["ASCII", ["", "No", "x".repeat(127)]],
    ["ASCII with a length that is none", ["x".repeat(128), "y".repeat(70_000)]],
    ["UTF-8", ["é", "日本語", "\u{1f600}", "\ufeffafter a byte order mark", "\0"]],
  ])("of texts in %s is read unchanged", (_, texts) => {
    const parts = texts.flatMap((text) => {
      const encoded = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(encoded.length);
      return [length, encoded];
    });
    expect(decoded("BYTES", Buffer.concat(parts), texts.length)).toEqual(texts);
  });
});
