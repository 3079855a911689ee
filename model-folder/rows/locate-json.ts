import type { TextPosition } from "#model-folder/manifest/locate-yaml.ts";

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openings = new Set([0x5b, 0x7b]);
const closings = new Set([0x5d, 0x7d]);

/** Where an offset lies in a text. */
export const findPosition = (text: string, offset: number): TextPosition => {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
};

const skipSpace = (text: string, at: number): number => {
  let next = at;
  while (/[ \t\r\n]/.test(text.charAt(next))) next++;
  return next;
};

/** Behind the closing quote of the string that begins here. */
const findStringEnd = (text: string, start: number): number => {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at + 1;
};

/** Offsets of what the list or object that begins here holds, by index or key; of a key that stands twice the last. */
const indexChildren = (text: string, start: number): ReadonlyMap<string, number> => {
  const found = new Map<string, number>();
  const ofObject = text.charAt(start) === "{";
  let depth = 0;
  let key = "0";
  let index = 0;
  let wanted = !ofObject;
  for (let at = start; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (depth === 1 && wanted && !closings.has(code)) {
      const value = skipSpace(text, at);
      if (!closings.has(text.charCodeAt(value))) found.set(key, value);
      wanted = false;
      at = value;
      continue;
    }
    if (code === quote) {
      const end = findStringEnd(text, at);
      if (depth === 1 && ofObject) key = text.slice(at, end);
      at = end;
      continue;
    }
    if (openings.has(code)) depth++;
    else if (closings.has(code)) depth--;
    else if (depth === 1 && code === comma && !ofObject) {
      key = String(++index);
      wanted = true;
    } else if (depth === 1 && code === colon) wanted = true;
    if (depth === 0) break;
    at++;
  }
  if (!ofObject) return found;
  return new Map([...found].map(([written, at]) => [String(JSON.parse(written)), at]));
};

/**
 * Where in a JSON text the value at a path stands, or the nearest thing around it; JSON.parse forgets places. The text
 * is JSON: it was parsed before. Each list and object on the way is read through once, however many paths are asked.
 */
export const locateJson = (text: string): ((path: readonly PropertyKey[]) => TextPosition) => {
  const known = new Map<number, ReadonlyMap<string, number>>();
  return (path) => {
    let at = skipSpace(text, 0);
    for (const part of path) {
      if (!openings.has(text.charCodeAt(at))) break;
      const inside = known.get(at) ?? indexChildren(text, at);
      known.set(at, inside);
      const next = inside.get(String(part));
      if (next === undefined) break;
      at = next;
    }
    return findPosition(text, at);
  };
};
