import type { TextPosition } from "#model-folder/manifest/locate-yaml.ts";

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openings = new Set([0x5b, 0x7b]);
const closings = new Set([0x5d, 0x7d]);

/** Converts an offset in a text to line and column. */
export const findPosition = (text: string, offset: number): TextPosition => {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
};

const skipSpace = (text: string, start: number): number => {
  let offset = start;
  while (/[ \t\r\n]/.test(text.charAt(offset))) offset++;
  return offset;
};

/** Returns the offset after the closing quote of the string that starts here. */
const findStringEnd = (text: string, start: number): number => {
  let offset = start + 1;
  while (offset < text.length && text.charCodeAt(offset) !== quote)
    offset += text.charCodeAt(offset) === backslash ? 2 : 1;
  return offset + 1;
};

/** Returns the offsets of the values in the list or object that starts here, by index or key. The last duplicate key wins. */
const indexChildren = (text: string, start: number): ReadonlyMap<string, number> => {
  const offsets = new Map<string, number>();
  const isObject = text.charAt(start) === "{";
  let depth = 0;
  let key = "0";
  let index = 0;
  let expectsValue = !isObject;
  for (let offset = start; offset < text.length; ) {
    const code = text.charCodeAt(offset);
    if (depth === 1 && expectsValue && !closings.has(code)) {
      const value = skipSpace(text, offset);
      if (!closings.has(text.charCodeAt(value))) offsets.set(key, value);
      expectsValue = false;
      offset = value;
      continue;
    }
    if (code === quote) {
      const end = findStringEnd(text, offset);
      if (depth === 1 && isObject) key = text.slice(offset, end);
      offset = end;
      continue;
    }
    if (openings.has(code)) depth++;
    else if (closings.has(code)) depth--;
    else if (depth === 1 && code === comma && !isObject) {
      key = String(++index);
      expectsValue = true;
    } else if (depth === 1 && code === colon) expectsValue = true;
    if (depth === 0) break;
    offset++;
  }
  if (!isObject) return offsets;
  return new Map([...offsets].map(([quotedKey, offset]) => [String(JSON.parse(quotedKey)), offset]));
};

/**
 * Finds the position of the value at a path in a JSON text, or of its nearest existing parent; JSON.parse has no positions.
 * The text must be valid JSON. Each list and object on the way is scanned once for all paths.
 */
export const locateJson = (text: string): ((path: readonly PropertyKey[]) => TextPosition) => {
  const childrenByOffset = new Map<number, ReadonlyMap<string, number>>();
  return (path) => {
    let offset = skipSpace(text, 0);
    for (const key of path) {
      if (!openings.has(text.charCodeAt(offset))) break;
      const children = childrenByOffset.get(offset) ?? indexChildren(text, offset);
      childrenByOffset.set(offset, children);
      const child = children.get(String(key));
      if (child === undefined) break;
      offset = child;
    }
    return findPosition(text, offset);
  };
};
