import { IamOpenidConnectProvider } from "@cdktn/provider-aws/lib/iam-openid-connect-provider/index.js";
import { IamRole } from "@cdktn/provider-aws/lib/iam-role/index.js";
import { IamRolePolicy } from "@cdktn/provider-aws/lib/iam-role-policy/index.js";
import { IamRolePolicyAttachment } from "@cdktn/provider-aws/lib/iam-role-policy-attachment/index.js";
import { type App, TerraformOutput, type TerraformStack } from "cdktn";
import { Construct } from "constructs";
import { addAccountKey } from "../constructs/account-key/account-key.ts";
import { addPrivateBucket } from "../constructs/private-bucket/private-bucket.ts";
import { allow, allowAny, type Statement, toPolicyJson } from "../permissions/statement.ts";
import type { Accounts } from "../read-config.ts";
import { nameResources, planRole, terraformRole } from "../resource-names.ts";
import { suppressFindings } from "../suppress-findings.ts";
import { addSlipwayStack } from "./slipway-stack.ts";

const gitHubIssuer = "token.actions.githubusercontent.com";
const ciApplyRole = "slipway-ci-apply";
const ciPlanRole = "slipway-ci-plan";

/** ARN of the account's key, `alias/slipway`. */
type Key = { readonly key: string };

/**
 * Lets alarms of the three accounts publish to tooling's encrypted topic, and EventBridge write to its encrypted dead
 * letters. EventBridge's requests carry no source: with a condition on it, KMS would refuse them, and events would be
 * lost without a sign. The queue's policy says which rules may write.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html#compatibility-with-aws-services
 */
const allowServices = (accounts: Accounts): readonly Statement[] => {
  const ids = [...new Set(Object.values(accounts).map(({ account }) => account))];
  const actions = ["kms:Decrypt", "kms:GenerateDataKey*"];
  return [
    {
      ...allowAny("KeyPoliciesNameTheirOwnKey", actions, {
        StringEquals: { "aws:SourceAccount": ids },
        ArnLike: { "aws:SourceArn": ids.map((id) => `arn:aws:cloudwatch:*:${id}:alarm:slipway-*`) },
      }),
      Principal: { Service: "cloudwatch.amazonaws.com" },
    },
    {
      ...allowAny("KeyPoliciesNameTheirOwnKey", actions),
      Principal: { Service: "events.amazonaws.com" },
    },
  ];
};

/** Trusts jobs of the configured GitHub repository, by the subject of their OIDC tokens. */
const trustJobs = (provider: string, subjects: readonly string[]): string =>
  toPolicyJson([
    {
      Effect: "Allow",
      Principal: { Federated: provider },
      Action: "sts:AssumeRoleWithWebIdentity",
      Condition: {
        StringEquals: { [`${gitHubIssuer}:aud`]: "sts.amazonaws.com", [`${gitHubIssuer}:sub`]: subjects },
      },
    },
  ]);

/** CI's two roles, without access keys: one for pull requests, which may only plan, and one for approved jobs. */
const addCiRoles = (
  scope: Construct,
  accounts: Accounts,
  provider: string,
  stateBucket: string,
  key: string,
) => {
  if (accounts.tooling.ci === undefined) return;
  const { repository, environment } = accounts.tooling.ci;
  const roles = (name: string) =>
    [...new Set(Object.values(accounts).map(({ account }) => account))].map(
      (account) => `arn:aws:iam::${account}:role/${name}`,
    );
  const state = (...actions: readonly string[]) => [
    allow(["s3:ListBucket"], [stateBucket]),
    allow(actions, [`${stateBucket}/*`]),
    allow(["kms:Decrypt", "kms:GenerateDataKey"], [key]),
  ];
  const kinds = [
    {
      id: "ci-apply",
      name: ciApplyRole,
      subjects: [`repo:${repository}:environment:${environment}`],
      statements: [
        allow(["sts:AssumeRole"], roles(terraformRole)),
        ...state("s3:GetObject", "s3:PutObject"),
        allow(["s3:DeleteObject"], [`${stateBucket}/*.tflock`]),
      ],
    },
    {
      id: "ci-plan",
      name: ciPlanRole,
      subjects: [`repo:${repository}:pull_request`],
      // It plans only from the states, without lock and refresh, so it needs no other permission.
      statements: [allow(["sts:AssumeRole"], roles(planRole)), ...state("s3:GetObject")],
    },
  ];
  for (const { id, name, subjects, statements } of kinds) {
    const place = new Construct(scope, id);
    const role = new IamRole(place, "role", {
      name,
      assumeRolePolicy: trustJobs(provider, subjects),
      maxSessionDuration: 3_600,
    });
    new IamRolePolicy(place, "policy", {
      name: "terraform",
      role: role.id,
      policy: toPolicyJson(statements),
    });
  }
};

/** Terraform's roles in this account: one for apply, one for plan. They trust CI's roles and the operators. */
const addTerraformRoles = (scope: Construct, accounts: Accounts, account: string) => {
  const tooling = `arn:aws:iam::${accounts.tooling.account}`;
  const ci = (role: string) => (accounts.tooling.ci === undefined ? [] : [`${tooling}:role/${role}`]);
  const trust = (who: readonly string[]) =>
    toPolicyJson([
      {
        Effect: "Allow",
        Principal: { AWS: `${tooling}:root` },
        Action: "sts:AssumeRole",
        Condition: { ArnLike: { "aws:PrincipalArn": who } },
      },
    ]);
  const change = new IamRole(scope, "terraform", {
    name: terraformRole,
    assumeRolePolicy: trust([...ci(ciApplyRole), ...accounts.tooling.operators]),
  });
  new IamRolePolicyAttachment(scope, "terraform-power", {
    role: change.name,
    policyArn: "arn:aws:iam::aws:policy/PowerUserAccess",
  });
  const own = [`arn:aws:iam::${account}:role/slipway-*`];
  new IamRolePolicy(scope, "terraform-roles", {
    name: "own-roles",
    role: change.id,
    policy: toPolicyJson([
      allow(
        [
          "GetRole",
          "ListRolePolicies",
          "ListAttachedRolePolicies",
          "GetRolePolicy",
          "ListInstanceProfilesForRole",
        ].map((name) => `iam:${name}`),
        own,
      ),
      // But not its own role and CI's roles: a person changes those with the bootstrap stacks.
      allow(
        [
          "CreateRole",
          "DeleteRole",
          "UpdateRole",
          "UpdateRoleDescription",
          "UpdateAssumeRolePolicy",
          "PutRolePolicy",
          "DeleteRolePolicy",
        ]
          .concat("TagRole", "UntagRole", "PassRole")
          .map((name) => `iam:${name}`),
        [`arn:aws:iam::${account}:role/slipway-*`],
      ),
      // The managed policy of the operators (terraform/stacks/delivery.ts).
      allow(
        [
          "GetPolicy",
          "GetPolicyVersion",
          "ListPolicyVersions",
          "CreatePolicy",
          "CreatePolicyVersion",
          "DeletePolicyVersion",
          "DeletePolicy",
          "TagPolicy",
          "UntagPolicy",
        ].map((name) => `iam:${name}`),
        [`arn:aws:iam::${account}:policy/slipway-*`],
      ),
      {
        Effect: "Deny",
        Action: ["iam:*"],
        Resource: [
          `arn:aws:iam::${account}:role/${terraformRole}*`,
          `arn:aws:iam::${account}:role/slipway-ci-*`,
        ],
      },
    ]),
  });
  // A pull request's code uses it, so it has no permissions: a plan without refresh only needs an identity and the states.
  const look = new IamRole(scope, "plan", {
    name: planRole,
    assumeRolePolicy: trust([...ci(ciPlanRole), ...accounts.tooling.operators]),
  });
  for (const role of [change, look])
    suppressFindings(role, {
      CKV_AWS_61: "the condition restricts the trust to these roles",
    });
};

/** The stack that a person applies once in each account before all others: the key and Terraform's roles. */
export const addBootstrapStack = (
  app: App,
  accounts: Accounts,
  account: keyof Accounts,
): Key & { readonly stack: TerraformStack } => {
  const stack = addSlipwayStack(app, `bootstrap-${account}`, { accounts, account, as: "person" });
  const { account: id, region } = accounts[account];
  const key = addAccountKey(stack, "key", {
    account: id,
    region,
    alias: "slipway",
    description: "Slipway's tables, queues, topics, logs, buckets and images",
    services: ["dynamodb", "s3", "sqs", "sns"],
    // Topics and queues are only in tooling.
    more: account === "tooling" ? allowServices(accounts) : [],
  });
  addTerraformRoles(new Construct(stack, "roles"), accounts, id);
  return { stack, key: key.arn };
};

/** Tooling's bootstrap stack, which adds the bucket of all states and CI's roles; `github` is the OIDC provider's ARN. */
export const addToolingBootstrapStack = (app: App, accounts: Accounts): Key & { readonly github: string } => {
  const { stack, key } = addBootstrapStack(app, accounts, "tooling");
  const bucket = addPrivateBucket(stack, "state", {
    name: nameResources(accounts).stateBucket,
    key,
    protect: accounts.tooling.protectData,
  });
  const provider = new IamOpenidConnectProvider(stack, "github", {
    url: `https://${gitHubIssuer}`,
    clientIdList: ["sts.amazonaws.com"],
  });
  addCiRoles(stack, accounts, provider.arn, bucket.arn, key);
  new TerraformOutput(stack, "state-bucket", { value: bucket.bucket });
  return { key, github: provider.arn };
};
