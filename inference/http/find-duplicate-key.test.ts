import fc from "fast-check";
import { expect, test } from "vitest";
import { countJsonTokens } from "#model-folder/rows/count-json-tokens.ts";
import { findDuplicateKey } from "./find-duplicate-key.ts";

const find = (json: string) =>
  findDuplicateKey(Buffer.from(json), countJsonTokens(Buffer.from(json)).keys, JSON.parse(json));

test.each([
  ['{"a":1,"a":2}', "/a"],
  ['{"rows":[{"x":1},{"x":1,"y":2,"x":3}]}', "/rows/1/x"],
  ['{"rows":[[],"a:b",{"y":{"z":0},"y":1}]}', "/rows/2/y"],
  ['{"a/b~":1,"a\\u002fb~":2}', "/a~1b~0"],
  ['{"__proto__":1,"__proto__":2}', "/__proto__"],
  ['{"a":{"b":1,"c":[{"d":":\\"{"}],"b":2}}', "/a/b"],
])("%s has a duplicate key at %s", (json, pointer) => {
  expect(find(json)).toBe(pointer);
});

test("JSON without a duplicate key has none, with any texts", () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: "binary" }), fc.constantFrom(undefined, 2), (json, space) => {
      expect(find(JSON.stringify(JSON.parse(json), undefined, space))).toBeUndefined();
    }),
  );
});

test("a key that is duplicated in any object is found there", () => {
  const flat = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, maxKeys: 5 });
  fc.assert(
    fc.property(flat, (object) => {
      const [key] = Object.keys(object);
      const again = `${JSON.stringify(object).slice(0, -1)},${JSON.stringify(key)}:0}`;
      const pointer = `/${key?.toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1")}`;
      expect(find(`{"rows":[${again}]}`)).toBe(`/rows/0${pointer}`);
    }),
  );
});

test("brackets of any depth are scanned", () => {
  const deep = 100_000;
  expect(find("[".repeat(deep) + "]".repeat(deep))).toBeUndefined();
});

test("the pointer stays short at any depth: it ends at an outer container", () => {
  const deep = 10_000;
  const pointer = find(`${'{"key":'.repeat(deep)}{"a":1,"a":2}${"}".repeat(deep)}`);
  expect(pointer).toBe("/key".repeat(250));
});
