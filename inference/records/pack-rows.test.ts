import fc from "fast-check";
import { expect, test } from "vitest";
import { packRows } from "./pack-rows.ts";
import type { StoredRow } from "./stored-request.ts";
import { unpackRows } from "./unpack-rows.ts";

const name = fc.oneof(fc.constantFrom("a", "b", "toString", '"', "\n"), fc.string({ maxLength: 3 }));
const noProto = name.filter((text) => text !== "__proto__");
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0);
const row: fc.Arbitrary<StoredRow> = fc.record(
  {
    inputs: fc.dictionary(noProto, fc.oneof(finite, fc.string(), fc.boolean(), fc.constant(null)), {
      noNullPrototype: true,
      maxKeys: 3,
    }),
    hash: fc.string(),
    prediction: fc.record(
      {
        label: fc.string(),
        value: finite,
        scores: fc.dictionary(noProto, finite, { noNullPrototype: true, maxKeys: 3 }),
        band: fc.constantFrom("low", "medium", "high"),
      },
      { requiredKeys: ["scores"], noNullPrototype: true },
    ),
  },
  { requiredKeys: ["prediction"], noNullPrototype: true },
);

test("every row is unpacked unchanged, with any columns and labels in the others", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), async (rows) => {
      const read = await unpackRows(await packRows(rows));
      const back = rows.map((_, index) => read(index));
      expect(JSON.parse(JSON.stringify(back))).toEqual(JSON.parse(JSON.stringify(rows)));
      expect(read(rows.length)).toBeUndefined();
    }),
  );
});
