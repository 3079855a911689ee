/** The checksum of each byte alone. */
const createTable = (): Int32Array => {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xed_b8_83_20 : value >>> 1;
    table[byte] = value;
  }
  return table;
};

/** `table` for bytes with one more zero byte behind them. */
const followByZero = (table: Int32Array, first: Int32Array): Int32Array =>
  table.map((value) => (value >>> 8) ^ (first[value & 255] ?? 0));

/** Below, three more tables cost more than they save. */
const fewBytes = 32_768;

/**
 * The CRC-32 of bytes (ISO 3309, as zlib's crc32), of many bytes four at a time (Kounavis and Berry, IEEE ISCC 2005). Node's
 * own is in node:zlib, and its hashes in node:crypto: a function's start would wait 3 and 5 ms for them.
 */
export const crc32 = (bytes: Uint8Array): number => {
  const first = createTable();
  let sum = -1;
  let at = 0;
  if (bytes.length > fewBytes) {
    const second = followByZero(first, first);
    const third = followByZero(second, first);
    const fourth = followByZero(third, first);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const words = bytes.length & ~3; at < words; at += 4) {
      sum ^= view.getInt32(at, true);
      sum =
        (fourth[sum & 255] ?? 0) ^
        (third[(sum >>> 8) & 255] ?? 0) ^
        (second[(sum >>> 16) & 255] ?? 0) ^
        (first[sum >>> 24] ?? 0);
    }
  }
  for (; at < bytes.length; at++) sum = (sum >>> 8) ^ (first[(sum ^ (bytes[at] ?? 0)) & 255] ?? 0);
  return ~sum >>> 0;
};
