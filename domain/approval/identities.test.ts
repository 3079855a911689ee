import { expect, test } from "vitest";
import { emptyIdentities, Identities } from "./identities.ts";

test("addresses are stored in their canonical form", () => {
  const { people } = Identities.parse({
    people: {
      "Ada+x@Example.com": {
        logins: ["github:Ada"],
        emails: ["1+Ada@users.noreply.github.com"],
        slack: "U024BE7LH",
      },
    },
  });
  expect(Object.entries(people)).toMatchObject([
    ["ada@example.com", { emails: ["1+ada@users.noreply.github.com"] }],
  ]);
});

test("an empty configuration is valid", () => {
  expect(Identities.parse({})).toEqual(emptyIdentities);
});

test.each([
  ["a login without its host", { people: { "ada@example.com": { logins: ["ada"] } } }, /github:<name>/],
  ["an address with a Cyrillic letter", { people: { "аda@example.com": {} } }, /plain letters/],
  ["a bot by name alone", { bots: ["dependabot"] }, /login|Invalid input/],
  ["an unknown key", { peoples: {} }, /peoples/],
  [
    "one login of two people",
    { people: { "ada@example.com": { logins: ["github:x"] }, "bob@example.com": { logins: ["github:X"] } } },
    /github:x belongs to both ada@example.com and bob@example.com/,
  ],
  [
    "a person's login as a bot's",
    { people: { "ada@example.com": { logins: ["github:x"] } }, bots: ["github:x"] },
    /github:x belongs to both ada@example.com and a bot/,
  ],
])("%s is refused with a message that names it", (_, identities, message) => {
  expect(() => Identities.parse(identities)).toThrow(message);
});
