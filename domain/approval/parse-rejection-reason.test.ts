import fc from "fast-check";
import { expect, test } from "vitest";
import { maxReasonLength, parseRejectionReason } from "./parse-rejection-reason.ts";

/** Characters without ink, by what Unicode calls them, and the symbols and hieroglyphs that are blank by design. */
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

test("whatever nobody can see is no reason, in whatever order and number", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(known, invisible), { maxLength: 200 }), (chars) => {
      expect(parseRejectionReason(chars.join(""))).toHaveProperty("problem");
    }),
  );
});

test("one letter, digit, sign or symbol among them is a reason, in every script", () => {
  const seen = fc.constantFrom(..."aé9?👎否да한✗");
  fc.assert(
    fc.property(
      fc.array(known, { maxLength: 50 }),
      seen,
      fc.array(known, { maxLength: 50 }),
      (one, char, two) => {
        const read = parseRejectionReason([...one, char, ...two].join(""));
        expect("reason" in read && read.reason).toContain(char);
      },
    ),
  );
});

test("a reason is taken whole or not at all, and never with half a character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 3_000, size: "max" }), (text) => {
      const read = parseRejectionReason(text);
      if (!("reason" in read)) return;
      expect(read.reason).toBe(text.toWellFormed().trim());
      expect(read.reason.isWellFormed()).toBe(true);
      expect(read.reason.length).toBeLessThanOrEqual(maxReasonLength);
    }),
  );
});

test("what Slack's input lets through is refused where escaping makes it too long to be shown", () => {
  expect(parseRejectionReason("x".repeat(maxReasonLength))).toHaveProperty("reason");
  expect(parseRejectionReason("x".repeat(maxReasonLength + 1))).toHaveProperty("problem");
  expect(parseRejectionReason("&".repeat(1_000))).toHaveProperty("problem");
  expect(parseRejectionReason("&".repeat(500))).toHaveProperty("reason");
});
