import { expect, test } from "vitest";
import * as z from "zod";
import { createSealedCookie } from "./sealed-cookie.ts";

const schema = z.strictObject({ user: z.string() });
const ada = { user: "U024BE7LH" };
const now = Date.UTC(2026, 10, 29, 12);
const later = now + 60_000;
const create = (secrets: readonly string[], purpose = "session") =>
  createSealedCookie({ purpose, schema, secrets: async () => secrets.map((secret) => secret.padEnd(32)) });

test("a sealed value opens until it expires", async () => {
  const cookie = create(["one"]);
  const text = await cookie.seal(ada, later);
  expect(await cookie.open(text, now)).toEqual(ada);
  expect(await cookie.open(text, later - 1_000)).toEqual(ada);
  expect(await cookie.open(text, later)).toBeUndefined();
});

test("the text shows nothing of its value", async () => {
  const text = await create(["one"]).seal(ada, later);
  for (const part of text.split(".")) expect(Buffer.from(part, "base64url").toString()).not.toContain("U024");
  expect(text).not.toContain("U024");
});

test("a changed, foreign, overlong or absent text opens nothing", async () => {
  const cookie = create(["one"]);
  const text = await cookie.seal(ada, later);
  for (let index = 0; index < text.length; index += 7) {
    const other = text[index] === "A" ? "B" : "A";
    expect(await cookie.open(`${text.slice(0, index)}${other}${text.slice(index + 1)}`, now)).toBeUndefined();
  }
  for (const wrong of [
    undefined,
    "",
    "a.b.c",
    "....",
    "x".repeat(10_000),
    await create(["two"]).seal(ada, later),
  ])
    expect(await cookie.open(wrong, now)).toBeUndefined();
});

test("an unencrypted token opens nothing", async () => {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const claims = { value: ada, aud: "session", exp: later / 1_000 };
  for (const alg of ["none", "HS256"])
    expect(await create(["one"]).open(`${encode({ alg })}.${encode(claims)}.`, now)).toBeUndefined();
});

test("a value that was sealed for another purpose opens nothing", async () => {
  const text = await create(["one"], "sign-in").seal(ada, later);
  expect(await create(["one"]).open(text, now)).toBeUndefined();
});

test("a value of another form opens nothing", async () => {
  const other = createSealedCookie({
    purpose: "session",
    schema: z.looseObject({}),
    secrets: async () => ["one".padEnd(32)],
  });
  expect(await create(["one"]).open(await other.seal({ name: "ada" }, later), now)).toBeUndefined();
});

test("during a rotation cookies of both secrets open, and the new one seals", async () => {
  const before = await create(["old"]).seal(ada, later);
  const rotated = create(["new", "old"]);
  expect(await rotated.open(before, now)).toEqual(ada);
  const after = await rotated.seal(ada, later);
  expect(await create(["new"]).open(after, now)).toEqual(ada);
  expect(await create(["old"]).open(after, now)).toBeUndefined();
  expect(await create(["new"]).open(before, now)).toBeUndefined();
});

test("a secret that somebody could guess seals nothing", async () => {
  const cookie = createSealedCookie({ purpose: "session", schema, secrets: async () => ["password"] });
  await expect(cookie.seal(ada, later)).rejects.toThrow("fewer than 32 characters");
  await expect(cookie.open("a.b.c.d.e", now)).rejects.toThrow("fewer than 32 characters");
});
