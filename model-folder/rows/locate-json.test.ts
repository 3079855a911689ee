import fc from "fast-check";
import { expect, test } from "vitest";
import { countJsonTokens } from "./count-json-tokens.ts";
import { locateJson } from "./locate-json.ts";

/** All paths of a value, starting with its own. */
const paths = (value: unknown, path: readonly PropertyKey[] = []): readonly (readonly PropertyKey[])[] => [
  path,
  ...(Array.isArray(value)
    ? value.flatMap((item, at) => paths(item, [...path, at]))
    : typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, item]) => paths(item, [...path, key]))
      : []),
];
const getValue = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((container, key) => Object(container)[key], value);
/** The text from a position to its end. */
const sliceFrom = (text: string, { line, column }: { line: number; column: number }): string => {
  const lines = text.split("\n");
  return [lines[line - 1]?.slice(column - 1) ?? "", ...lines.slice(line)].join("\n");
};

test("each value is located where its text begins, with any indentation", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 1, 4), (value, indent) => {
      const text = ` ${JSON.stringify(value, undefined, indent)}\n`;
      const locate = locateJson(text);
      for (const path of paths(JSON.parse(text))) {
        const rest = sliceFrom(text, locate(path));
        const first = JSON.stringify(getValue(JSON.parse(text), path)).charAt(0);
        expect(rest.startsWith(first), `${JSON.stringify(path)} in ${text}`).toBe(true);
      }
    }),
  );
});

test("a missing path gets the position of its nearest existing parent", () => {
  const locate = locateJson('{\n "rows": [\n  {"a": 1}\n ]\n}');
  expect(locate(["rows", 0, "b"])).toEqual({ line: 3, column: 3 });
  expect(locate(["rows", 7])).toEqual({ line: 2, column: 10 });
  expect(locate(["rows", 0, "a", "deeper"])).toEqual({ line: 3, column: 9 });
});

test("the token counts have at least half a mark per value, and the exact depth", () => {
  const depth = (value: unknown): number =>
    typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const counts = countJsonTokens(new TextEncoder().encode(JSON.stringify(value)));
      expect(counts.depth).toBe(depth(value));
      expect(2 * counts.marks + 1).toBeGreaterThanOrEqual(paths(value).length);
    }),
  );
});
