import { setOwnProperty } from "./set-own-property.ts";

/** A string, and the colon behind it where it is a key. */
const stringAndColon = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/gs;

/** Gives objects the keys that stand-ins stand for, in their order. Without recursion, because the text decides the depth. */
const restoreKeys = (value: object, keys: ReadonlyMap<string, string>): void => {
  const pending = [value];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const entries = Object.entries(next);
    for (const [, child] of entries) if (typeof child === "object" && child !== null) pending.push(child);
    if (!entries.some(([key]) => keys.has(key))) continue;
    for (const [key] of entries) Reflect.deleteProperty(next, key);
    const object: Record<string, unknown> = {};
    for (const [key, child] of entries) setOwnProperty(object, keys.get(key) ?? key, child);
    Object.defineProperties(next, Object.getOwnPropertyDescriptors(object));
  }
};

/** Writes keys without escapes: as they are, or as a stand-in that no key of the text begins with. */
const createKeyWriter = (text: string) => {
  const written = new Map<string, string>();
  const standIns = new Map<string, string>();
  let start = "\ue000";
  while (text.includes(start)) start += "\ue000";
  const write = (quotedKey: string): string => {
    const key = String(JSON.parse(quotedKey));
    const plain = `"${key}"`;
    if (JSON.stringify(key) === plain && !key.startsWith("\ue000")) return plain;
    const standIn = `${start}${standIns.size}`;
    standIns.set(standIn, key);
    return `"${standIn}"`;
  };
  return {
    standIns,
    write: (quotedKey: string): string => {
      // Rows have the same keys.
      let found = written.get(quotedKey);
      if (found === undefined) {
        found = write(quotedKey);
        written.set(quotedKey, found);
      }
      return found;
    },
  };
};

/**
 * JSON.parse, and throws what it throws. V8 takes a key with an escape for an earlier one that equals the beginning of its
 * text: after a text with the key `pr\\u00`, it reads `pr\u00e9fix` as that (https://github.com/nodejs/node/issues/63785).
 * One client could have the valid requests of all others refused, so no key is parsed with an escape.
 */
export const parseJson = (text: string): ReturnType<typeof JSON.parse> => {
  // Throws first: in a text that is no JSON, the search below could take the square of its length.
  const value: unknown = JSON.parse(text);
  // Few texts have one at all.
  if (!text.includes("\\")) return value;
  const keys = createKeyWriter(text);
  const plain = text.replace(stringAndColon, (token: string, colon?: string) =>
    colon === undefined || !token.includes("\\")
      ? token
      : keys.write(token.slice(0, token.length - colon.length)) + colon,
  );
  if (plain === text) return value;
  const parsed = JSON.parse(plain);
  if (keys.standIns.size > 0) restoreKeys(parsed, keys.standIns);
  return parsed;
};
