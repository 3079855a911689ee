/** Counts the keys of all objects in a value. Without recursion, because the caller decides the depth. */
const countKeys = (value: unknown): number => {
  let keys = 0;
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const container = pending.pop();
    if (typeof container !== "object" || container === null) continue;
    const values = Object.values(container);
    if (!Array.isArray(container)) keys += values.length;
    for (const child of values) if (typeof child === "object" && child !== null) pending.push(child);
  }
  return keys;
};

const escapeToken = (key: string): string =>
  key.slice(0, 256).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1");

const maxPointerLength = 1_000;

type OpenContainer = { keys: Set<string> | undefined; key: string; index: number };

/** Scans valid JSON token by token for the first duplicate key and returns its pointer. */
const locateDuplicateKey = (text: string): string => {
  const open: OpenContainer[] = [];
  const pointer = () => {
    let path = "";
    for (const { keys, key, index } of open) {
      const longerPath = `${path}/${keys ? escapeToken(key) : index}`;
      // The caller decides the depth, so the pointer may end at an outer container.
      if (longerPath.length > maxPointerLength) break;
      path = longerPath;
    }
    return path;
  };
  let expectsKey = false;
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},]/g)) {
    const current = open.at(-1);
    if (token === "{" || token === "[") {
      open.push({ keys: token === "{" ? new Set() : undefined, key: "", index: 0 });
      expectsKey = token === "{";
    } else if (token === "}" || token === "]") {
      open.pop();
      expectsKey = false;
    } else if (token === ",") {
      if (current) current.index++;
      expectsKey = current?.keys !== undefined;
    } else if (expectsKey && current?.keys) {
      current.key = String(JSON.parse(token));
      if (current.keys.has(current.key)) return pointer();
      current.keys.add(current.key);
      expectsKey = false;
    }
  }
  return "";
};

/**
 * Returns the RFC 6901 pointer to the first duplicate key; undefined if there is none. JSON.parse silently keeps the last
 * one, and two readers of the same body may keep different ones (RFC 8259, section 4).
 * @param json valid JSON in UTF-8
 * @param keys the number of keys in the text (countJsonTokens)
 * @param value the result of JSON.parse
 */
export const findDuplicateKey = (json: Uint8Array, keys: number, value: unknown): string | undefined =>
  // Counting is cheap: only a body with a surplus key is scanned again.
  keys === countKeys(value) ? undefined : locateDuplicateKey(new TextDecoder().decode(json));
