/**
 * Fletcher's checksum over 32-bit little-endian words, modulo 2^32 (J. G. Fletcher, IEEE Trans. Commun. 1982;30(1):247; ZFS
 * uses the same with 64-bit sums): the sum of the words, and the sum of those sums. Bytes beyond the last word count as one
 * with zeros. It finds damage and mix-ups, no forgeries. A cold start has time for nothing slower: node:crypto takes 5 ms to
 * load, node:zlib 3 ms, and a CRC-32 in JavaScript takes so many steps that V8 compiles it again, 3 ms.
 */
export const sumWords = (bytes: Uint8Array): readonly [sum: number, sums: number] => {
  const whole = bytes.length & ~3;
  // A view of words must begin at a multiple of four.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, whole / 4);
  let sum = 0;
  let sums = 0;
  for (let index = 0; index < words.length; index++) {
    sum = (sum + (words[index] ?? 0)) | 0;
    sums = (sums + sum) | 0;
  }
  let last = 0;
  for (let at = bytes.length - 1; at >= whole; at--) last = (last << 8) | (bytes[at] ?? 0);
  sum = (sum + last) | 0;
  return [sum >>> 0, (sums + sum) >>> 0];
};
