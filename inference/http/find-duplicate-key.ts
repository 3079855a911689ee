/** Keys in what was parsed of it. A list of values to visit takes the place of recursion: depth is the caller's. */
const countKeys = (value: unknown): number => {
  let keys = 0;
  const left: unknown[] = [value];
  while (left.length > 0) {
    const here = left.pop();
    if (typeof here !== "object" || here === null) continue;
    const values = Object.values(here);
    if (!Array.isArray(here)) keys += values.length;
    for (const one of values) if (typeof one === "object" && one !== null) left.push(one);
  }
  return keys;
};

const escapeToken = (key: string): string =>
  key.slice(0, 128).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1");

const maxPointerLength = 1_000;

type OpenContainer = { keys: Set<string> | undefined; key: string; index: number };

/** Walks through valid JSON token by token until an object has a key for the second time. */
const locateDuplicateKey = (text: string): string => {
  const open: OpenContainer[] = [];
  const pointer = () => {
    let path = "";
    for (const { keys, key, index } of open) {
      const longer = `${path}/${keys ? escapeToken(key) : index}`;
      // Depth is the caller's, an answer's length is not: the pointer ends at what holds the object.
      if (longer.length > maxPointerLength) break;
      path = longer;
    }
    return path;
  };
  let awaitsKey = false;
  for (const [found] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},]/g)) {
    const here = open.at(-1);
    if (found === "{" || found === "[") {
      open.push({ keys: found === "{" ? new Set() : undefined, key: "", index: 0 });
      awaitsKey = found === "{";
    } else if (found === "}" || found === "]") {
      open.pop();
      awaitsKey = false;
    } else if (found === ",") {
      if (here) here.index++;
      awaitsKey = here?.keys !== undefined;
    } else if (awaitsKey && here?.keys) {
      here.key = String(JSON.parse(found));
      if (here.keys.has(here.key)) return pointer();
      here.keys.add(here.key);
      awaitsKey = false;
    }
  }
  return "";
};

/**
 * The RFC 6901 pointer to a key that stands twice in one object; undefined where none does. JSON.parse keeps the last
 * of them unseen, and two readers of one body may take different ones (RFC 8259, section 4).
 * @param json valid JSON in UTF-8
 * @param keys keys that stand in it (countJsonTokens)
 * @param value what JSON.parse made of it
 */
export const findDuplicateKey = (json: Uint8Array, keys: number, value: unknown): string | undefined =>
  // Counting is cheap, and only a body with a key too many is read again.
  keys === countKeys(value) ? undefined : locateDuplicateKey(new TextDecoder().decode(json));
