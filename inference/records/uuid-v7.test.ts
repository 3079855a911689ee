import fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod";
import { createUuidV7, readUuidV7Time } from "./uuid-v7.ts";

const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test("an id is a UUID of version 7 with its time and random bits", () => {
  fc.assert(
    fc.property(time, fc.uuid({ version: 4 }), (at, random) => {
      const id = createUuidV7(at, random);
      expect(z.uuidv7().parse(id)).toBe(id);
      expect(readUuidV7Time(id)).toBe(at);
      expect(id.slice(15)).toBe(random.slice(15));
    }),
  );
});

test("ids sort by their time", () => {
  fc.assert(
    fc.property(time, time, fc.uuid({ version: 4 }), fc.uuid({ version: 4 }), (a, b, one, other) => {
      fc.pre(a < b);
      expect(createUuidV7(a, one) < createUuidV7(b, other)).toBe(true);
    }),
  );
});

test.each(["request-1", "", "01987654-3210-4000-8000-000000000000", "01987654-3210-7000-8000-00000000000G"])(
  "a text that is not such an id has no time: %j",
  (text) => {
    expect(readUuidV7Time(text)).toBeUndefined();
  },
);
