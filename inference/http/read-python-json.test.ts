import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPythonJson } from "./read-python-json.ts";

const read = (text: string) =>
  readPythonJson(Buffer.from(text), { inputs: [{ name: "x", type: "boolean", required: true }] });

describe("JSON of Python's clients", () => {
  test("is read unchanged if it is valid JSON, with any texts", () => {
    const join = (...words: string[]) =>
      fc.array(fc.constantFrom(...words), { maxLength: 8 }).map((some) => some.join(""));
    const text = join("NaN", "Infinity", '"', "\\", "a");
    // JSON.parse itself takes keys with quotes for other ones (parse-json.ts).
    const key = join("NaN", "Infinity", ":", "{", "a");
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        text,
        fc.double({ noDefaultInfinity: true, noNaN: true }).map((one) => one + 0),
        fc.array(tie("node")),
        fc.dictionary(key, tie("node")),
      ),
    })).node;
    fc.assert(
      fc.property(value, (some) => {
        const json = JSON.parse(JSON.stringify(some));
        expect(read(JSON.stringify(some))).toEqual({ json });
        // Beside a NaN the texts stay as they are, too.
        expect(read(`[NaN,${JSON.stringify(some)},-Infinity]`)).toEqual({
          json: [null, json, Number.NEGATIVE_INFINITY],
        });
      }),
    );
  });

  test.each(['{"NaN": NaN', "NaNa", "[NaN NaN]", '["NaN]', "{NaN: 1}", "nan"])("is refused: %s", (text) => {
    expect(read(text)).toMatchObject({ status: 400 });
  });

  test("with a duplicate key is refused, even with NaN", () => {
    expect(read('{"inputs": {"a": [NaN], "a": [1]}}')).toMatchObject({ errors: [{ pointer: "/inputs/a" }] });
  });
});
