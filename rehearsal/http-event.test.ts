import fc from "fast-check";
import { expect, test } from "vitest";
import { eventBytes } from "./http-event.ts";

test("an event's bytes are counted as JSON writes them, wherever its body is cut", async () => {
  const piece = fc.constantFrom("a", '"', "\\", "\n", "\u0001", "\u007f", "é", "漢", "🦆", "\u2028");
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { minLength: 1, maxLength: 20 }),
      fc.nat(300_000),
      async (pieces, length) => {
        const text = pieces.join("");
        const body = text.repeat(Math.ceil(length / text.length));
        const event = { version: "2.0", headers: { a: '"' }, body, isBase64Encoded: false };
        expect(await eventBytes(event)).toBe(Buffer.byteLength(JSON.stringify(event)));
      },
    ),
    { numRuns: 50 },
  );
});
