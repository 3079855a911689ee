import fc from "fast-check";
import { expect, test } from "vitest";
import { countJsonTokens } from "./count-json-tokens.ts";
import { locateJson } from "./locate-json.ts";

/** Every path of a value, its own first. */
const paths = (value: unknown, path: readonly PropertyKey[] = []): readonly (readonly PropertyKey[])[] => [
  path,
  ...(Array.isArray(value)
    ? value.flatMap((item, at) => paths(item, [...path, at]))
    : typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, item]) => paths(item, [...path, key]))
      : []),
];
const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inside, part) => Object(inside)[part], value);
/** The text from a place on. */
const from = (text: string, { line, column }: { line: number; column: number }): string => {
  const lines = text.split("\n");
  return [lines[line - 1]?.slice(column - 1) ?? "", ...lines.slice(line)].join("\n");
};

test("each value's place is where its text begins, however the text is indented", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 1, 4), (value, indent) => {
      const text = ` ${JSON.stringify(value, undefined, indent)}\n`;
      const locate = locateJson(text);
      for (const path of paths(JSON.parse(text))) {
        const rest = from(text, locate(path));
        const begins = JSON.stringify(at(JSON.parse(text), path)).charAt(0);
        expect(rest.startsWith(begins), `${JSON.stringify(path)} in ${text}`).toBe(true);
      }
    }),
  );
});

test("of a place that is not there, what is nearest is told", () => {
  const locate = locateJson('{\n "rows": [\n  {"a": 1}\n ]\n}');
  expect(locate(["rows", 0, "b"])).toEqual({ line: 3, column: 3 });
  expect(locate(["rows", 7])).toEqual({ line: 2, column: 10 });
  expect(locate(["rows", 0, "a", "deeper"])).toEqual({ line: 3, column: 9 });
});

test("a shape has at least half a mark for each value and key, and the depth of the deepest", () => {
  const depth = (value: unknown): number =>
    typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const shape = countJsonTokens(new TextEncoder().encode(JSON.stringify(value)));
      expect(shape.depth).toBe(depth(value));
      expect(2 * shape.marks + 1).toBeGreaterThanOrEqual(paths(value).length);
    }),
  );
});
