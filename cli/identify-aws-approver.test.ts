import type { STSClient } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { Identities } from "#domain/approval/identities.ts";
import type { SlackApi } from "#slack/slack-channel.ts";
import { identifyAwsApprover } from "./identify-aws-approver.ts";

const voter = (arn: string | undefined, shown: string | undefined, identities: unknown = {}) =>
  identifyAwsApprover({
    sts: { send: async () => ({ Arn: arn }) } as unknown as STSClient,
    slack: {
      users: { info: async () => ({ ok: true, user: { profile: { email: shown } } }) },
    } as unknown as Pick<SlackApi, "users">,
    policy: { read: async () => ({ identities: Identities.parse(identities) }) },
  })("U024BE7LH");
const session = "arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_Ops_0123456789abcdef/Ada@example.com";
const user = "arn:aws:iam::111111111111:user/ops";

test("the record names the Slack user and the person of the AWS identity", async () => {
  const ada = { id: "U024BE7LH", name: "U024BE7LH as ada@example.com", email: "ada@example.com" };
  expect(await voter(session, "ada@example.com")).toEqual({ ...ada, via: "command", account: session });
  expect(await voter(user, "ada@example.com", { people: { "ada@example.com": { arns: [user] } } })).toEqual({
    ...ada,
    ...{ via: "command", account: user },
  });
});

test("an address that is listed as another one of the same person is theirs", async () => {
  const people = { "ada@example.com": { emails: ["lovelace@example.org"] } };
  expect(await voter(session, "lovelace@example.org", { people })).toMatchObject({
    email: "ada@example.com",
  });
  await expect(voter(session, "lovelace@example.org")).rejects.toMatchObject({
    name: "NotAnApprover",
  });
});

test.each<[string, string | undefined, string | undefined, unknown, RegExp]>([
  ["nobody lists the ARN", user, "ada@example.com", {}, /user\/ops, .*\(no person lists this ARN\).*`arns`/],
  ["a bot's ARN", user, "ada@example.com", { bots: [user] }, /the policy lists it as a bot/],
  [
    "another person's Slack user",
    session,
    "bob@example.com",
    {},
    /U024BE7LH is another person \(bob@example.com\) than ada@/,
  ],
  [
    "a Slack user whose two addresses are two people",
    session,
    "bob@example.com",
    { people: { "ada@example.com": { slack: "U024BE7LH" } } },
    /another person \(ada@example.com, bob@example.com\).*`emails`/,
  ],
  [
    "a Slack user without an address",
    session,
    undefined,
    {},
    /Slack does not confirm that U024BE7LH is ada@.*`slack`/,
  ],
  [
    "an address outside the organisation",
    session.replace("example.com", "example.net"),
    "ada@example.net",
    { domains: ["example.com"] },
    /the address is not the organisation's/,
  ],
])("%s is refused, with the remedy", async (_, arn, shown, identities, message) => {
  await expect(voter(arn, shown, identities)).rejects.toMatchObject({ name: "NotAnApprover" });
  await expect(voter(arn, shown, identities)).rejects.toThrow(message);
});

test("without a caller no decision is possible", async () => {
  await expect(voter(undefined, "ada@example.com")).rejects.toMatchObject({ name: "CallerUnknown" });
});
