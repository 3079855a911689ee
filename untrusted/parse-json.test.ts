import fc from "fast-check";
import { expect, test } from "vitest";
import { parseJson } from "./parse-json.ts";

test.each([
  [String.raw`{"rows":[{"pr\\u00":1}]}`, String.raw`{"rows":[{"pr\u00e9fix":1}]}`, { rows: [{ préfix: 1 }] }],
  [String.raw`{"h":[],"\\":0}`, String.raw`{"h":1,"\u0061":2}`, { h: 1, a: 2 }],
  [String.raw`{"h":1,"lat \\\"N":1}`, String.raw`{"h":1,"lat \"N\"":1}`, { h: 1, 'lat "N"': 1 }],
  [String.raw`{"h":1,"C:\\\\":1}`, String.raw`{"h":1,"C:\\dir":1}`, { h: 1, "C:\\dir": 1 }],
])("after %s, %s has its own keys", (earlier, text, value) => {
  parseJson(earlier);
  JSON.parse(earlier);
  expect(parseJson(text)).toEqual(value);
});

test("any keys and values are read as they were written, however they are escaped", () => {
  const unit = fc.constantFrom("a", "é", "{", ":", ",", "\u2028", "😀", "/", '"', "\\", "\n", "0", "\ue000");
  const key = fc.string({ unit, maxLength: 6 });
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit }),
      fc.integer(),
      fc.array(tie("node"), { maxLength: 3 }),
      fc.dictionary(key, tie("node"), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).node;
  const escapeAll = (json: string) =>
    json.replace(/[^\0-~]|\//g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 2), fc.boolean(), (some, space, escapes) => {
      const json = JSON.stringify(some, undefined, space);
      const parsed = parseJson(escapes ? escapeAll(json) : json);
      expect(parsed).toEqual(some);
      // Keys in their order, too.
      expect(JSON.stringify(parsed, undefined, space)).toBe(json);
    }),
    { numRuns: 1_000 },
  );
});

test("the last of equal keys counts, as in JSON.parse, and a text of any depth is read", () => {
  expect(parseJson(String.raw`{"a\"":1,"b":2,"a\u0022":3}`)).toEqual({ 'a"': 3, b: 2 });
  const deep = 2_000;
  expect(JSON.stringify(parseJson(`${'{"\\"":'.repeat(deep)}1${"}".repeat(deep)}`)).length).toBeGreaterThan(
    deep,
  );
});

test.each(['{"a\\u00zz":1}', '{"a\\":1}', '{"\\u0061":1,}', '"\\', '{"\\ud800":1'])(
  "%s is broken where JSON.parse says",
  (text) => {
    const read = (parse: (json: string) => unknown) => {
      try {
        return parse(text);
      } catch (error) {
        return String(error);
      }
    };
    expect(read(parseJson)).toBe(read(JSON.parse));
  },
);

test("a string without an end takes no time", () => {
  const text = `"${'\\"'.repeat(1_000_000)}`;
  expect(() => parseJson(text)).toThrow(SyntaxError);
});
