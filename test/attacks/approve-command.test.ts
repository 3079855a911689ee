import type { STSClient } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { identifyAwsApprover } from "#cli/identify-aws-approver.ts";
import { Identities } from "#domain/approval/identities.ts";
import type { SlackApi } from "#slack/slack-channel.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { createNewApproval } from "#test/support/record-approval.ts";

const [ada, bob] = ["U0ADA", "U0BOB"];
const slackEmails = new Map([
  [ada, "ada@example.com"],
  [bob, "bob@example.com"],
]);
const account = "123456789012";
const toSessionArn = (role: string, name: string) => `arn:aws:sts::${account}:assumed-role/${role}/${name}`;
/** Identity Center's role for a permission set; its session has the user's name. */
const permissionSet = "AWSReservedSSO_people_0123456789abcdef";

let world: MemoryWorld;
let approvalId = "";
beforeEach(async () => {
  world = createMemoryWorld();
  const { id } = await world.approvals.ask(
    createNewApproval(world, {
      delivery: "churn-1",
      letter: "a",
      version: 1,
      rule: { approvers: [ada, bob], quorum: 1, authorMayApprove: false, timeout: "PT24H" },
      contributors: {
        people: ["ada@example.com"],
        unmapped: [],
        addresses: ["ada@example.com"],
        approvers: [],
        leftOut: [],
      },
    }),
    "token",
  );
  approvalId = id;
});
afterEach(() => world.close());

/** `slipway approve --world aws --as <user>`, run by the caller with this ARN. */
const approve = async (
  arn: string,
  as: string,
  {
    identities = {},
    slackIsDown = false,
  }: { readonly identities?: unknown; readonly slackIsDown?: boolean } = {},
) => {
  const users = {
    info: async ({ user }: { readonly user: string }) => {
      if (slackIsDown) throw new Error("Slack is down");
      return { ok: true, user: { profile: { email: slackEmails.get(user) } } };
    },
  };
  const voter = await identifyAwsApprover({
    sts: { send: async () => ({ Arn: arn }) } as unknown as STSClient,
    slack: { users } as unknown as Pick<SlackApi, "users">,
    policy: { read: async () => ({ identities: Identities.parse(identities) }) },
  })(as);
  return world.approvals.vote(approvalId, {
    user: voter.id,
    name: voter.name ?? voter.id,
    email: voter.email,
    verdict: "approved",
    reason: null,
    at: world.time.now,
  });
};
const readApprovalState = async () => (await world.approvals.read(approvalId))?.state;
const notAnApproverError = { name: "NotAnApprover", message: expect.stringMatching(/slipway policy apply/) };

describe("Ada, who made the change, cannot approve it as Bob", () => {
  test.each([
    ["a session that she named after him", toSessionArn("DataScience", "bob@example.com")],
    ["a session of hers without an address", toSessionArn("DataScience", "ada")],
    [
      "her own role with a name like Identity Center's",
      toSessionArn("AWSReservedSSO_mine", "bob@example.com"),
    ],
    ["a token that she federated in his name", `arn:aws:sts::${account}:federated-user/bob@example.com`],
    ["an unlisted IAM user", `arn:aws:iam::${account}:user/bob@example.com`],
    ["the account's root", `arn:aws:iam::${account}:root`],
  ])("by %s", async (_, arn) => {
    await expect(approve(arn, bob)).rejects.toMatchObject(notAnApproverError);
    await expect(approve(arn, bob, { slackIsDown: true })).rejects.toMatchObject(notAnApproverError);
    expect(await readApprovalState()).toEqual({ status: "pending", votes: [] });
  });

  test("by a role with the listed name in another account", async () => {
    const identities = { sessionRoles: ["arn:aws:iam::999999999999:role/DataScience"] };
    const arn = toSessionArn("DataScience", "bob@example.com");
    await expect(approve(arn, bob, { identities })).rejects.toMatchObject(notAnApproverError);
  });

  test("by naming his Slack user, also while Slack is down and cannot confirm whose it is", async () => {
    const arn = toSessionArn(permissionSet, "ada@example.com");
    await expect(approve(arn, bob)).rejects.toMatchObject({ name: "NotAnApprover" });
    await expect(approve(arn, bob, { slackIsDown: true })).rejects.toMatchObject(notAnApproverError);
    const identities = { people: { "bob@example.com": { slack: bob } } };
    const approval = approve(arn, bob, { identities, slackIsDown: true });
    await expect(approval).rejects.toMatchObject({ name: "NotAnApprover" });
    expect(await readApprovalState()).toEqual({ status: "pending", votes: [] });
  });

  test("as herself, under any of her identities", async () => {
    const user = `arn:aws:iam::${account}:user/ada`;
    const identities = { people: { "ada@example.com": { arns: [user] } } };
    for (const arn of [user, toSessionArn(permissionSet, "Ada+x@example.com")])
      expect((await approve(arn, ada, { identities })).result).toBe("refused");
  });
});

describe("Bob approves", () => {
  test.each<[string, string, unknown]>([
    ["by Identity Center", toSessionArn(permissionSet, "bob@example.com"), {}],
    [
      "by an IAM user that the platform lists as his",
      `arn:aws:iam::${account}:user/b`,
      { people: { "bob@example.com": { arns: [`arn:aws:iam::${account}:user/b`] } } },
    ],
    [
      "by a role's session that the platform lists as his",
      toSessionArn("Ops", "bob"),
      { people: { "bob@example.com": { arns: [toSessionArn("Ops", "bob")] } } },
    ],
    [
      "by a role whose sessions the identity provider names",
      toSessionArn("DataScience", "bob@example.com"),
      { sessionRoles: [`arn:aws:iam::${account}:role/people/DataScience`] },
    ],
  ])("%s", async (_, arn, identities) => {
    expect((await approve(arn, bob, { identities })).result).toBe("decided");
  });

  test("while Slack is down, where the platform knows his Slack user", async () => {
    const identities = { people: { "bob@example.com": { slack: bob } } };
    const arn = toSessionArn(permissionSet, "bob@example.com");
    expect((await approve(arn, bob, { identities, slackIsDown: true })).result).toBe("decided");
  });
});
