import { expect, test } from "vitest";
import { Identities } from "./identities.ts";
import { createIdentityResolver, listKnownDomains } from "./identity-resolver.ts";

const account = "arn:aws:sts::123456789012";
const permissionSet = `${account}:assumed-role/AWSReservedSSO_people_0123456789abcdef`;
const identities = Identities.parse({
  people: {
    "ada@example.com": {
      logins: ["github:ada"],
      arns: [
        "arn:aws:iam::123456789012:user/ada",
        `${account}:assumed-role/AdaOnly/*`,
        `${permissionSet}/ada`,
      ],
    },
  },
  bots: ["github:dependabot[bot]", `${account}:assumed-role/Release/*`],
  domains: ["example.com"],
  sessionRoles: ["arn:aws:iam::123456789012:role/people/DataScience"],
});
const { claimed, authenticated } = createIdentityResolver(
  identities,
  listKnownDomains(identities, "organisation"),
);
const bob = { kind: "person", email: "bob@example.com" };
const ada = { kind: "person", email: "ada@example.com" };
const unmapped = (why: RegExp) => ({ kind: "unmapped", why: expect.stringMatching(why) });

test.each([
  [`${permissionSet}/Bob+x@example.com`, bob],
  [`${permissionSet}/ada`, ada],
  [`${permissionSet}/bob`, unmapped(/no person lists this ARN/)],
  [`${permissionSet}/bob@elsewhere.net`, unmapped(/not the organisation's/)],
  [`${account}:assumed-role/DataScience/bob@example.com`, bob],
  [`arn:aws:sts::999999999999:assumed-role/DataScience/bob@example.com`, unmapped(/names its session/)],
  [`arn:aws-cn:sts::123456789012:assumed-role/DataScience/bob@example.com`, unmapped(/names its session/)],
  [`${account}:assumed-role/Other/bob@example.com`, unmapped(/names its session/)],
  [`${account}:assumed-role/AWSReservedSSO_/bob@example.com`, unmapped(/names its session/)],
  [
    `${account}:assumed-role/MyAWSReservedSSO_people_0123456789abcdef/bob@example.com`,
    unmapped(/names its session/),
  ],
  [`${account}:assumed-role/AdaOnly/bob@example.com`, ada],
  [`${account}:assumed-role/AdaOnlyNot/bob@example.com`, unmapped(/names its session/)],
  [`${account}:assumed-role/Release/build`, { kind: "bot" }],
  [`${account}:federated-user/bob@example.com`, unmapped(/no person lists this ARN/)],
  ["arn:aws:iam::123456789012:user/ada", ada],
  ["arn:aws:iam::123456789012:user/Ada", unmapped(/no person lists this ARN/)],
  ["arn:aws:iam::123456789012:user/bob@example.com", unmapped(/no person lists this ARN/)],
  ["arn:aws:iam::123456789012:root", unmapped(/no person lists this ARN/)],
  ["github:ADA <mallory@elsewhere.net>", ada],
  ["github:bob <bob@example.com>", bob],
  ["github:mallory", unmapped(/no person lists this login/)],
])("the authenticated identity %s resolves to %o", (identity, resolved) => {
  expect(authenticated(identity)).toEqual(resolved);
});

test.each([
  "github:ada",
  "github:dependabot[bot]",
  "arn:aws:iam::123456789012:user/ada",
  `${permissionSet}/bob@example.com`,
])("a commit cannot claim the identity %s", (identity) => {
  expect(claimed(identity)).toMatchObject({ kind: "unmapped" });
});
