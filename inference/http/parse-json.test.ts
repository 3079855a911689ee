import fc from "fast-check";
import { expect, test } from "vitest";
import { parseJson } from "./parse-json.ts";

test("a key that an earlier body had does not change the keys of a later one", () => {
  parseJson(String.raw`{"rows":[{"pr\\u00":1}]}`);
  expect(parseJson(String.raw`{"rows":[{"pr\u00e9fix":1}]}`)).toEqual({ rows: [{ préfix: 1 }] });
  parseJson(String.raw`{"h":[],"\\":0}`);
  expect(parseJson(String.raw`{"h":1,"\u0061":2}`)).toEqual({ h: 1, a: 2 });
});

test("keys and values are those of JSON.parse, however they are escaped", () => {
  // Without backslash and quote, which a key cannot have without an escape.
  const key = fc.string({ unit: fc.constantFrom("a", "é", "{", ":", ",", "\u2028", "😀", "/") });
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: fc.constantFrom('"', "\\", ":", "a", "\n", "é", "}") }),
      fc.integer(),
      fc.array(tie("node"), { maxLength: 3 }),
      fc.dictionary(key, tie("node"), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).node;
  const escapeAll = (json: string) =>
    json.replace(/[^\0-~]|\//g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 2), (some, space) => {
      expect(parseJson(escapeAll(JSON.stringify(some, undefined, space)))).toEqual(some);
    }),
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
