import { expect, test } from "vitest";
import { fetchSlackEmail } from "./fetch-slack-email.ts";

const fetchEmail = (state: object) =>
  fetchSlackEmail(
    { users: { info: async () => ({ user: { profile: { email: "ada@example.com" }, ...state } }) } },
    "U024BE7LH",
  );

test("an active person's address is theirs", async () => {
  expect(await fetchEmail({})).toBe("ada@example.com");
  expect(await fetchEmail({ deleted: false, is_bot: false })).toBe("ada@example.com");
});

test.each([{ deleted: true }, { is_bot: true }])(
  "the address of an account with %j proves nothing",
  async (state) => {
    expect(await fetchEmail(state)).toBeUndefined();
  },
);
