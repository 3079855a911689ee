import { expect, test } from "vitest";
import { Identities } from "#domain/approval/identities.ts";
import { resolveMentions } from "./resolve-mentions.ts";

const identities = Identities.parse({
  people: {
    "ada@example.com": { emails: ["12345+ada@users.noreply.github.com"], slack: "U024BE7LH" },
    "bob@example.com": { emails: ["bob@home.example.org"] },
  },
});
const resolve = (...addresses: string[]) => resolveMentions(identities, { users: ["U0OTHER"], addresses });

test("a code host's address mentions the Slack user of its person", () => {
  expect(resolve("12345+Ada@users.noreply.github.com")).toEqual({
    users: ["U0OTHER", "U024BE7LH"],
    addresses: [],
  });
});

test("an alias of a person without a Slack id is looked up by the address of the map", () => {
  expect(resolve("bob@home.example.org", "bob@example.com")).toEqual({
    users: ["U0OTHER"],
    addresses: ["bob@example.com"],
  });
});

test("an address that nobody lists is looked up as it is", () => {
  expect(resolve("Cy+x@example.net", "not an address")).toEqual({
    users: ["U0OTHER"],
    addresses: ["Cy+x@example.net", "not an address"],
  });
});
