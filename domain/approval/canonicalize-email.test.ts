import { expect, test } from "vitest";
import { canonicalizeEmail } from "./canonicalize-email.ts";

test.each([
  ["ada@example.com", "ada@example.com"],
  ["Ada@EXAMPLE.com", "ada@example.com"],
  ["ada+models@example.com", "ada@example.com"],
  ["ada+a+b@example.com.", "ada@example.com"],
  ["ada.l@example.com..", "ada.l@example.com"],
  ["12+Ada@users.noreply.github.com", "12+ada@users.noreply.github.com"],
])("%s becomes %s", (text, email) => {
  expect(canonicalizeEmail(text)).toBe(email);
});

test.each([
  "",
  "ada",
  "ada@",
  "@example.com",
  "ada@localhost",
  "ada @example.com",
  "ada@example.com\n",
  "аda@example.com",
  "ada@exаmple.com",
  "ada@ｅxample.com",
  "\u212aim@example.com",
  "ada\u200b@example.com",
  "<ada@example.com>",
  "+tag@example.com",
  `${"a".repeat(400)}@example.com`,
])("%j is not an address", (text) => {
  expect(canonicalizeEmail(text)).toBeUndefined();
});
