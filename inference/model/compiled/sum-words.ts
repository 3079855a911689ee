import { instantiateKernel } from "./kernel/open-kernel.ts";

type Sums = readonly [sum: bigint, sums: bigint];

/** Fewer bytes than this are not worth the kernel. */
const smallBytes = 2_048;
const pieceBytes = 262_144;
const pageBytes = 65_536;
/** Two numbers of 64 bits. */
const sumsBytes = 16;

/** Adds the words to the sums, the last one filled up with zeros, or of zeros alone. */
const addFew = (bytes: Uint8Array, [first, second]: Sums): Sums => {
  let sum = first;
  let sums = second;
  for (let at = 0; at <= bytes.length; at += 4) {
    let word = 0;
    for (let place = Math.min(at + 3, bytes.length - 1); place >= at; place--)
      word = (word << 8) | (bytes[place] ?? 0);
    sum = BigInt.asUintN(64, sum + BigInt(word >>> 0));
    sums = BigInt.asUintN(64, sums + sum);
  }
  return [sum, sums];
};

/** The sums of whole words, which the kernel adds piece by piece. */
const addMany = (bytes: Uint8Array): Sums => {
  const kernel = instantiateKernel();
  const result = Math.ceil(kernel.free_memory() / sumsBytes) * sumsBytes;
  const words = result + sumsBytes;
  const missing = words + Math.min(pieceBytes, bytes.length) - kernel.memory.buffer.byteLength;
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / pageBytes));
  const memory = new Uint8Array(kernel.memory.buffer);
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    const piece = bytes.subarray(start, start + pieceBytes);
    memory.set(piece, words);
    kernel.add_words(result, words, piece.length / 4);
  }
  const [sum = 0n, sums = 0n] = new BigUint64Array(kernel.memory.buffer, result, 2);
  return [sum, sums];
};

/**
 * Fletcher's checksum over 32-bit little-endian words with sums modulo 2^64 (J. G. Fletcher, IEEE Trans. Commun.
 * 1982;30(1):247; ZFS sums 64 bits too): the sum of the words, and the sum of those sums. Bytes beyond the last word count as
 * one with zeros. With sums of 32 bits two changed top bits, the signs of two weights, could cancel each other. It finds damage and mix-ups, no
 * forgeries. A cold start has time for nothing slower: node:crypto takes 5 ms to load and node:zlib 3 ms; and a loop in
 * JavaScript takes so many steps that V8 compiles it twice while it runs, 2 ms.
 */
export const sumWords = (bytes: Uint8Array): Sums => {
  if (bytes.length < smallBytes) return addFew(bytes, [0n, 0n]);
  const whole = bytes.length & ~3;
  return addFew(bytes.subarray(whole), addMany(bytes.subarray(0, whole)));
};
