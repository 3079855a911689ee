import { expect, test } from "vitest";
import { canonicalizeEmail } from "#domain/approval/canonicalize-email.ts";
import { limitCommit } from "./limit-commit.ts";

const commit = {
  ...{ id: "c".repeat(40), committedAt: "2026-11-29T12:00:00Z" },
  ...{ author: { name: "Sam", email: "sam@example.com" }, subject: "Retrain" },
};

test("a commit's texts stay as they are", () => {
  expect(limitCommit(commit)).toEqual(commit);
});

test("texts of megabytes are cut, never through a character, and a cut address is nobody's", () => {
  const long = "😀".repeat(500_000);
  const email = `${"a".repeat(370)}@example.com${".x".repeat(500_000)}`;
  const limited = limitCommit({ ...commit, author: { name: long, email }, subject: long });
  expect(JSON.stringify(limited).length).toBeLessThan(3_000);
  expect(limited.author.name.isWellFormed() && limited.subject.isWellFormed()).toBe(true);
  expect(canonicalizeEmail(limited.author.email)).toBeUndefined();
});
