import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Unsigned big-endian bytes in base 62, padded to `length` digits. */
const encodeBase62 = (bytes: Uint8Array, length: number): string => {
  let rest = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let text = "";
  for (; rest > 0n; rest /= 62n) text = `${digits[Number(rest % 62n)]}${text}`;
  return text.padStart(length, "0");
};

const computeChecksum = (text: string): string => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, crc32(text));
  return encodeBase62(bytes, 6);
};

/** The length of every key, in characters. */
const keyLength = 65;
const keyPattern = /^slw_([0-9A-Za-z]{11})_[0-9A-Za-z]{49}$/;

/**
 * The hash that is stored in place of a key. Plain SHA-256 is enough: salts and slow hashes protect secrets that people
 * choose, but no one can guess 256 random bits. From 112 bits of entropy on, NIST requires only an approved one-way
 * function.
 * https://pages.nist.gov/800-63-3/sp800-63b.html#lookupsecrets
 */
const hashKey = (key: string): string => createHash("sha256").update(key).digest("hex");

/** A cryptographically secure source of randomness, for example node:crypto's randomBytes. */
export type RandomBytes = (bytes: number) => Uint8Array;

/** A key's id: 64 random bits as 11 letters and digits. It is not secret. */
export const generateKeyId = (random: RandomBytes): string => encodeBase62(random(8), 11);

/**
 * A key `slw_<id>_<secret>`: 43 letters and digits are the secret's 256 random bits, the last 6 are the CRC-32 of
 * everything before them. Prefix and checksum let secret scanners recognise a key, and reveal typos, without a request. A
 * double-click selects the whole key.
 * https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
 */
export const generateKey = (
  id: string,
  random: RandomBytes,
): { readonly key: string; readonly hash: string } => {
  const body = `slw_${id}_${encodeBase62(random(32), 43)}`;
  const key = `${body}${computeChecksum(body)}`;
  return { key, hash: hashKey(key) };
};

/** Returns the id and the hash of a key; undefined if the text is not a key. Never throws. */
export const parseKey = (text: string): { readonly id: string; readonly hash: string } | undefined => {
  if (text.length !== keyLength) return undefined;
  const id = text.match(keyPattern)?.[1];
  if (id === undefined || computeChecksum(text.slice(0, -6)) !== text.slice(-6)) return undefined;
  return { id, hash: hashKey(text) };
};
