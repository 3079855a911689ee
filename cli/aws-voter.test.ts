import type { STSClient } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { awsVoter } from "./aws-voter.ts";

const voter = (arn: string, email: string | undefined) =>
  awsVoter({
    sts: { send: async () => ({ Arn: arn }) } as unknown as STSClient,
    slack: {
      users: {
        info: async () => {
          if (email === undefined) throw new Error("Slack is down");
          return { ok: true, user: { profile: { email } } };
        },
      },
    } as unknown as Parameters<typeof awsVoter>[0]["slack"],
  })("U1");
const session = "arn:aws:sts::111111111111:assumed-role/Ops/ada@example.com";

test("a session that bears an address vouches for its bearer, also while Slack is down", async () => {
  const ada = { id: "U1", name: "U1 as ada@example.com", email: "ada@example.com" };
  expect(await voter(session, "Ada@example.com")).toEqual(ada);
  expect(await voter(session, undefined)).toEqual(ada);
});

test("nobody answers as another person", async () => {
  await expect(voter(session, "bob@example.com")).rejects.toMatchObject({
    name: "NotYou",
    message: expect.stringMatching(/another person in Slack/),
  });
});

test("a user without an address is who Slack says, or nobody's address is known", async () => {
  const key = "arn:aws:iam::111111111111:user/ops";
  expect(await voter(key, "bob@example.com")).toEqual({
    id: "U1",
    name: "U1 as ops",
    email: "bob@example.com",
  });
  expect(await voter(key, undefined)).toEqual({ id: "U1", name: "U1 as ops" });
});
