import { AwsProvider } from "@cdktn/provider-aws/lib/provider/index.js";
import { type App, S3Backend, TerraformStack, TerraformVariable } from "cdktn";
import type { Accounts } from "../read-config.ts";
import { nameResources, terraformRole } from "../resource-names.ts";

type Needs = {
  readonly accounts: Accounts;
  /** The account of the stack's resources. */
  readonly account: keyof Accounts;
  /** `person`: uses the caller's own identity, because Terraform's role does not exist yet. */
  readonly as: "role" | "person";
};

/**
 * An empty stack with its provider, tags and state: one object in tooling's bucket, locked during use. It refuses to run
 * against other accounts than the configuration's.
 */
export const addSlipwayStack = (app: App, name: string, { accounts, account, as }: Needs): TerraformStack => {
  const stack = new TerraformStack(app, name);
  const { region, account: id, tags } = accounts[account];
  const role =
    as === "person"
      ? {}
      : {
          assumeRole: [
            {
              roleArn: `arn:aws:iam::${id}:role/${
                new TerraformVariable(stack, "role", {
                  type: "string",
                  default: terraformRole,
                  description:
                    "The role to act as in the stack's account; the one that only looks is enough to plan.",
                }).stringValue
              }`,
              sessionName: "slipway-terraform",
            },
          ],
        };
  new AwsProvider(stack, "aws", {
    region,
    allowedAccountIds: [id],
    defaultTags: [{ tags: { ...tags, "slipway:stack": name } }],
    ...role,
  });
  new S3Backend(stack, {
    bucket: nameResources(accounts).stateBucket,
    key: `${name}.tfstate`,
    region: accounts.tooling.region,
    encrypt: true,
    useLockfile: true,
  });
  return stack;
};
