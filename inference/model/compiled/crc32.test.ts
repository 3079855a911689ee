import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32 } from "./crc32.ts";

test("the checksum is zlib's CRC-32, at any length and place in memory", () => {
  expect(crc32(Buffer.from("123456789"))).toBe(0xcb_f4_39_26);
  const many = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7_919) >>> 3);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(7), (bytes, start) => {
      const part = bytes.subarray(start);
      expect(crc32(part)).toBe(zlibCrc32(part));
      const long = many.subarray(start, many.length - bytes.length);
      expect(crc32(long)).toBe(zlibCrc32(long));
    }),
    { numRuns: 50 },
  );
});
