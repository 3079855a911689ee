import fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod";
import { createUuidV7 } from "./uuid-v7.ts";

const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test("an id is a UUID of version 7 with its time and random bits", () => {
  fc.assert(
    fc.property(time, fc.uuid({ version: 4 }), (at, random) => {
      const id = createUuidV7(at, random);
      expect(z.uuidv7().parse(id)).toBe(id);
      expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(at);
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
