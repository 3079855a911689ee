import { hash } from "node:crypto";
import type { Row } from "#model-folder/manifest/manifest.ts";

const block = 64;
const padKey = (key: Uint8Array, mask: number): Buffer => {
  const pad = Buffer.alloc(block, mask);
  for (const [index, byte] of key.entries()) pad[index] = byte ^ mask;
  return pad;
};

/**
 * HMAC-SHA-256 (RFC 2104) as base64url with a key of 32 to 64 bytes. Our own code, because 10,000 rows take a quarter of
 * the time of Node's Hmac objects; a test compares both.
 */
export const hmacSha256 = (key: Uint8Array): ((text: string) => string) => {
  if (key.length < 32 || key.length > block)
    throw new RangeError(`the hash key must have 32 to ${block} bytes; it has ${key.length}`);
  const inner = padKey(key, 0x36);
  const outer = padKey(key, 0x5c);
  return (text) => {
    const digest = hash("sha256", Buffer.concat([inner, Buffer.from(text)]), "buffer");
    return hash("sha256", Buffer.concat([outer, digest]), "base64url");
  };
};

/**
 * Hashes the inputs of a row for records without inputs. Equal rows of a model have equal hashes: the order of columns does
 * not matter, and a missing column counts as null. The hash is keyed, because rows have so few possible values that a plain
 * hash could be reversed by trying them. Each model has its own hashes.
 */
export const hashInputs = (key: Uint8Array, model: string): ((row: Row) => string) => {
  const keyed = hmacSha256(key);
  return (row) => {
    const columns = Object.entries(row).filter(([, value]) => value !== null);
    columns.sort(([a], [b]) => (a < b ? -1 : 1));
    return keyed(`${model}\n${JSON.stringify(columns)}`);
  };
};
