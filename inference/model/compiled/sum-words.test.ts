import fc from "fast-check";
import { expect, test } from "vitest";
import { createSeededRandom } from "#test/support/seeded-random.ts";
import { sumWords } from "./sum-words.ts";

/** The definition, in exact integers. */
const sumExactly = (bytes: Uint8Array): readonly [bigint, bigint] => {
  const padded = new Uint8Array(Math.floor(bytes.length / 4) * 4 + 4);
  padded.set(bytes);
  let sum = 0n;
  let sums = 0n;
  for (let at = 0; at < padded.length; at += 4) {
    sum += BigInt(new DataView(padded.buffer).getUint32(at, true));
    sums += sum;
  }
  return [sum, sums % 2n ** 64n];
};

test("the checksum is Fletcher's, at any length and place in memory", () => {
  expect(sumWords(Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0))).toEqual([3n, 7n]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(7), (bytes, start) => {
      const part = bytes.subarray(start);
      expect(sumWords(part)).toEqual(sumExactly(part));
    }),
  );
});

test("a large content, which the kernel sums in pieces, has the same checksum", () => {
  const random = createSeededRandom(5);
  const bytes = Uint8Array.from({ length: 600_011 }, () => 256 * random());
  for (const length of [2_047, 2_048, 2_051, 262_144, 262_149, 524_288, 600_008])
    for (const start of [0, 3]) {
      const part = bytes.subarray(start, start + length);
      expect(sumWords(part)).toEqual(sumExactly(part));
    }
});

test("two changed bits change the checksum, also where both are the signs of two numbers", () => {
  const bytes = new Uint8Array(64).fill(1);
  const flip = (words: readonly number[], bit: number) => {
    const changed = bytes.slice();
    for (const word of words) changed[4 * word + 3] = (changed[4 * word + 3] ?? 0) ^ bit;
    return changed;
  };
  const set = flip([3, 5, 6, 10, 12], 128);
  for (const changed of [flip([2, 4], 128), flip([0, 8], 128), flip([7, 9], 64)])
    expect(sumWords(changed)).not.toEqual(sumWords(bytes));
  // One sign set and another one cleared, at an even distance.
  const moved = set.slice();
  for (const word of [3, 1]) moved[4 * word + 3] = (moved[4 * word + 3] ?? 0) ^ 128;
  expect(sumWords(moved)).not.toEqual(sumWords(set));
});

test("a changed byte and two exchanged words change the checksum", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), fc.nat(15), (bytes, at) => {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 64;
      expect(sumWords(changed)).not.toEqual(sumWords(bytes));
      const exchanged = bytes.slice();
      exchanged.set(bytes.subarray(0, 4), 4);
      exchanged.set(bytes.subarray(4, 8), 0);
      fc.pre(!exchanged.every((byte, index) => byte === bytes[index]));
      expect(sumWords(exchanged)).not.toEqual(sumWords(bytes));
    }),
  );
});
