import fc from "fast-check";
import { expect, test } from "vitest";
import { maxReasonLength, parseRejectionReason } from "./parse-rejection-reason.ts";

/** Invisible by their Unicode category; `known` adds the blank symbols. */
const invisible = fc
  .integer({ min: 0, max: 0x10ffff })
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code))
  .filter((char) => /[\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}]/u.test(char));
const known = fc.constantFrom(
  ..."\u200b\u200c\u200d\ufeff\u00ad\u115f\u1160\u3164\uffa0\u2800\u180e\u034f\u202e\u2066\u{e0041}\u{e0100}\ufe0f \t\n\u00a0\u3000\u0301",
  "\u{1d159}",
  "\u{13441}",
  "\u{13442}",
);

test("invisible characters are not a reason, in any order and number", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(known, invisible), { maxLength: 200 }), (chars) => {
      expect(parseRejectionReason(chars.join(""))).toHaveProperty("problem");
    }),
  );
});

test("one visible character among them is a reason, in every script", () => {
  const visible = fc.constantFrom(..."aé9?👎否да한✗");
  fc.assert(
    fc.property(
      fc.array(known, { maxLength: 50 }),
      visible,
      fc.array(known, { maxLength: 50 }),
      (before, char, after) => {
        const result = parseRejectionReason([...before, char, ...after].join(""));
        expect("reason" in result && result.reason).toContain(char);
      },
    ),
  );
});

test("a reason is accepted in full or refused, never cut and never with half a character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 3_000, size: "max" }), (text) => {
      const result = parseRejectionReason(text);
      if (!("reason" in result)) return;
      expect(result.reason).toBe(text.toWellFormed().trim());
      expect(result.reason.isWellFormed()).toBe(true);
      expect(result.reason.length).toBeLessThanOrEqual(maxReasonLength);
    }),
  );
});

test("a reason that escaping makes too long for the message is refused", () => {
  expect(parseRejectionReason("x".repeat(maxReasonLength))).toHaveProperty("reason");
  expect(parseRejectionReason("x".repeat(maxReasonLength + 1))).toHaveProperty("problem");
  expect(parseRejectionReason("&".repeat(1_000))).toHaveProperty("problem");
  expect(parseRejectionReason("&".repeat(500))).toHaveProperty("reason");
});
